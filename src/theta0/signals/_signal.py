"""What a signal of the user's own is: what is fitted, what judges it, how it is shown."""

import io
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from jaxtyping import Array, Bool, Float

from theta0.errors import InputError, note
from theta0.fields import Field
from theta0.forward import ForwardMap, Observation, predict
from theta0.metrics import psnr, quality

from ._base import Pictures, Task
from ._grid import in_disc, pixel_coordinates
from ._observed import random_share, seen_only
from ._render import WHOLE, Region, native_size, render, render_values

if TYPE_CHECKING:
    from ._kind import SignalConfig


Files = Mapping[str, bytes]
"""What shows a fit: contents by file name."""


@dataclass(frozen=True)
class Signal:
    """A signal of the user's own, ready to fit. Kinds of signals derive their own from it."""

    task: Task
    query_forward: ForwardMap | None
    """how the query sees the field; None: like its support"""

    refused: ClassVar[tuple[str, ...]] = ("size", "region", "mask", "keep", "tv")
    """options of a fit that have no meaning for such a signal"""

    @property
    def target(self) -> Float[np.ndarray, "n c"] | None:
        """The true values at the query's places; None of a signal known by its measurements."""
        values = np.asarray(self.task.query.y)
        return values if values.shape[1] else None

    def predicted(self, forward: ForwardMap, field: Field) -> Float[np.ndarray, "n c"]:
        """Values of a field at the query's places."""
        return np.asarray(predict(self.query_forward or forward, field, self.task.query.p))

    @abstractmethod
    def pictures(self, values: Float[Array | np.ndarray, "n c"]) -> Pictures:
        """Values at the query's places as pictures to look at."""
        raise NotImplementedError

    def judge(self, values: Float[np.ndarray, "n c"]) -> dict[str, float]:
        """How good values at the query's places are, by the name of each number.

        By default the mean PSNR in dB and the mean SSIM of the pictures; nothing where the truth is
        not known.
        """
        if self.target is None:
            return {}
        found, similarity = quality(self.pictures(values), self.pictures(self.target))
        return {"psnr": round(found, 3), "ssim": round(similarity, 4)}

    def observe_part(self, mask: Any, share: float, seed: int) -> "Signal":
        """The same of which the fit sees a part; it is still judged by all of it.

        Args:
            mask: file of a mask, white where it is seen, or an array; all of it when left out.
            share: random fraction of what the mask shows.
            seed: of that fraction.

        Raises:
            InputError: a part of such a signal cannot be chosen in this way.
        """
        raise InputError(
            "a mask or a fraction to keep is of a picture's pixels, but this signal is measured "
            "along rays; leave both out and choose how much is seen by the number of views"
        )

    def in_channels(self, count: int) -> "Signal":
        """The same for a network that shows so many channels, where one can be made of the other.

        As it is by default.
        """
        return self

    def refuse(self, options: Mapping[str, Any]) -> None:
        """Refuse options of a fit, by name, that have no meaning for such a signal.

        Raises:
            InputError: names the first of them.
        """
        for name in self.refused:
            if options.get(name):
                raise InputError(f"--{name} is for pictures and slices; leave it out here")

    def image(
        self, field: Field, size: int | None = None, region: Region = WHOLE
    ) -> Float[np.ndarray, "height width channels"]:
        """A fitted field as a picture, or a region of it; see :func:`render_values`.

        Raises:
            InputError: the signal is no picture.
        """
        raise InputError("this signal is no picture; fit.view renders an object, from a pose")

    def check_region(self, region: Region) -> None:
        """Refuse a region that is too large at the signal's own scale.

        Raises:
            InputError: it is, or the signal is no picture.
        """
        raise InputError("--region is of a picture or slice; leave it out")

    @property
    def observed_picture(self) -> Float[np.ndarray, "height width channels"] | None:
        """What a fit of a part sees, the rest grey; None if it sees everything."""
        return None

    def files(
        self,
        field: Field,
        forward: ForwardMap,
        size: int | None = None,
        region: Region | None = None,
    ) -> Files:
        """What shows a fitted field, for the folder of results.

        Args:
            field: fitted to this signal.
            forward: how its support is measured.
            size: samples per side of an extra file; its own only when left out.
            region: part of the signal shown in that file.
        """
        return {}

    def settings_of_fit(self, data: "SignalConfig") -> "SignalConfig":
        """The settings of the kind that a fit of this signal is saved with."""
        return data


_GREY = np.array([[0.299], [0.587], [0.114]], np.float32)
"""Luma of RGB (Rec. 601)."""

_COLOUR = np.ones((1, 3), np.float32)


@dataclass(frozen=True)
class PlanarSignal(Signal):
    """A signal on the unit square: a picture, or a slice."""

    side: int
    """pixels per side of the square picture that the query holds"""
    own_side: int
    """pixels per side of the same square in the file"""
    pixel_offset: float
    """where in its pixel a sample lies"""
    seen: Bool[np.ndarray, " pixels"] | None = None
    """which pixels of the query the support holds, if only a part is observed"""
    read_mask: Callable[[Any], Bool[np.ndarray, "side side"]] | None = None
    """reads a mask as large as the picture, white where it is seen, from a file or an array; None
    of a signal measured along rays"""
    disc_only: bool = False
    """of a slice of which only the inscribed disc is measured: it is shown as 0 elsewhere"""

    refused = ()

    def pictures(self, values):
        values = np.asarray(values)
        pictures = values.reshape(-1, self.side, self.side, values.shape[1])
        if not self.disc_only:
            return pictures
        points = pixel_coordinates(self.side, self.side, self.pixel_offset)
        return pictures * in_disc(points).reshape(self.side, self.side, 1)

    def judge(self, values):
        return {**super().judge(values), **judged_unseen(self.seen, values, self.target)}

    def observe_part(self, mask, share, seed):
        if self.read_mask is None:
            return super().observe_part(mask, share, seed)
        return part_of_pixels(self, self.read_mask, mask, share, seed)

    def in_channels(self, count):
        task = self.task
        had = task.support.y.shape[1]
        if (had, count) not in ((1, 3), (3, 1)):
            return self
        if count == 1:
            note("the picture is in colour, but the initialization is for grey: its luma is fitted")
        change = lambda seen: Observation(seen.p, seen.y @ (_GREY if count == 1 else _COLOUR))
        support = change(task.support)
        query = support if task.query is task.support else change(task.query)
        return replace(self, task=Task(support, query))

    def check_region(self, region):
        native_size(region, self.own_side)

    def image(self, field, size=None, region=WHOLE):
        size = size or native_size(region, self.own_side)
        return render_values(field, size, self.pixel_offset, self.disc_only, region)

    def files(self, field, forward, size=None, region=None):
        side = self.own_side
        pictures = {"reconstruction.png": (side, WHOLE)}
        if region is not None:
            pictures["region.png"] = (size or native_size(region, side), region)
        elif size is not None:
            pictures[f"reconstruction-{size}.png"] = (size, WHOLE)
        how = self.pixel_offset, self.disc_only
        return {
            name: png(render(field, pixels, shown, *how))
            for name, (pixels, shown) in pictures.items()
        }

    @property
    def observed_picture(self):
        if self.seen is None:
            return None
        return self.pictures(np.where(self.seen[:, None], self.task.query.y, 0.5))[0]


def judged_unseen(
    seen: Bool[np.ndarray, " pixels"] | None,
    values: Float[np.ndarray, "pixels c"],
    target: Float[np.ndarray, "pixels c"] | None,
) -> dict[str, float]:
    """``psnr_unseen`` on the pixels that a fit of a part does not see (NaN if there are none)."""
    if seen is None or target is None:
        return {}
    of_unseen = psnr(values[~seen], target[~seen]) if not seen.all() else float("nan")
    return {"psnr_unseen": round(of_unseen, 3)}


def part_of_pixels(signal, read_mask, mask: Any, share: float, seed: int):
    """A signal whose pixels are seen where a mask is white, and of these a random fraction."""
    everything = signal.task.query
    if signal.task.support is not everything:
        raise InputError(
            "pixels are left out of the fit already, by a mask or as transient occluders that the "
            "collection knows of; leave --mask and --keep out"
        )
    seen = np.ones(len(everything.y), bool)
    if mask is not None:
        seen = read_mask(mask).reshape(-1)
    seen = random_share(seen, share, seed)
    return replace(signal, task=Task(seen_only(everything, seen), everything), seen=seen)


def png(pixels: np.ndarray) -> bytes:
    """8-bit pixels (height, width, 1 or 3) as a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
