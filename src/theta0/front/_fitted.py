"""A fitted signal: what it shows, how good it is, and what it leaves behind."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from theta0.errors import InputError
from theta0.fields import Field
from theta0.inner import InnerLoop
from theta0.reconstruct import SignalFit, View, fitted_of, render_view, write_fits
from theta0.signals import LARGEST_SIZE, WHOLE, Signal, check_region

from ._checks import check_whole

if TYPE_CHECKING:
    from ._init import LearnedInitialization


_FILES = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".npy", ".npz", ".safetensors"}


@dataclass(frozen=True, eq=False, repr=False)
class Fitted:
    """What ``init.fit`` returns."""

    done: SignalFit
    init: "LearnedInitialization"
    signal: Signal
    loop: InnerLoop

    @property
    def field(self) -> Field:
        """The fitted network: ``field(x)`` with coordinates (d,) or (d, n)."""
        return self.done.result.field

    @property
    def losses(self) -> Float[np.ndarray, " steps"]:
        """Mean squared error of the measurements before each step."""
        return self.done.result.losses

    @property
    def seconds(self) -> float:
        """Wall time of the fit, compilation included."""
        return self.done.result.seconds

    @property
    def metrics(self) -> dict[str, float]:
        """What judges the fit: ``psnr`` (dB), ``ssim``, and what else the kind of signal has.

        They are of the signal as it was fitted: of a picture its centred square, at the size that
        the initialization was learned for.
        If the true signal is not known, ``loss``: the mean squared error of its measurements.
        """
        about = ("init", "rule", "lr", "settings", "steps", "flip", "samples", "tv", "huber")
        return {name: value for name, value in self.rows[-1].items() if name not in about}

    @property
    def psnr(self) -> float | None:
        """Of the whole signal at the size it was fitted at, in dB; None where it is not known."""
        return self.rows[-1].get("psnr")

    @property
    def rows(self) -> list[dict[str, Any]]:
        """How good the fit was after 0, 1, 2, 5, ... steps."""
        return self.done.rows

    def image(
        self, size: int | None = None, region: Sequence[float | int] | None = None
    ) -> Float[np.ndarray, "height width channels"]:
        """The fitted picture or slice in [0, 1], at any size and of any part.

        Args:
            size: pixels of the long side; those of the signal as it was given when left out.
            region: (top, left, bottom, right) in fractions of the fitted square.

        Raises:
            InputError: the signal is not a picture, or cannot be shown at this size.
        """
        check_whole(size=size)
        if size is not None and not 2 <= size <= LARGEST_SIZE:
            raise InputError(f"size is {size}; give 2 to {LARGEST_SIZE} pixels")
        if region is None:
            return self.signal.image(self.field, size, WHOLE)
        if len(region) != 4:
            raise InputError(f"region is {region}; give (top, left, bottom, right)")
        top, left, bottom, right = map(float, region)
        check_region((top, left, bottom, right))
        return self.signal.image(self.field, size, (top, left, bottom, right))

    def view(self, c2w: Any, size: int | None = None) -> View:
        """A novel view of a fitted object: colour, depth and opacity.

        Args:
            c2w: (3, 4) camera to world, OpenGL axes.
            size: pixels per side; as fitted when left out.

        Raises:
            InputError: the signal is not seen by cameras.
        """
        data = self.signal.settings_of_fit(self.init.description.data).as_scene("this fit")
        volume: Any = self.init.description.forward
        return render_view(volume, self.field, data, data.camera(np.asarray(c2w)[:3], size))

    def initialization(self) -> "LearnedInitialization":
        """The fitted weights as an initialization of their own, to go on from."""
        found = fitted_of(self.init, self.signal, self.loop, self.done)
        return replace(self.init, **vars(found))

    def save(self, folder: str | Path) -> Path:
        """Write the reconstruction, the weights, PSNR by step and a strip of pictures.

        Returns:
            The folder, which :func:`theta0.load`, ``theta0 render`` and ``theta0 export`` take.

        Raises:
            InputError: it is a file, or named like one.
        """
        folder = Path(folder)
        if folder.suffix.lower() in _FILES and not folder.is_dir():
            raise InputError(
                f"{folder}: named like a file, but a fit is saved as a folder of several; give one "
                "without a suffix, or save fit.image() or fit.initialization() alone"
            )
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder}: is a file; give a folder")
        write_fits(folder, self.init, self.signal, self.loop, [self.done])
        return folder

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value:.4g}" for name, value in self.metrics.items())
        return f"Fitted({self.done.init!r}, steps={self.done.steps}, {told})"
