"""Measured sinograms, read from an .npz file of plain arrays.

Its arrays:

    sinogram            (views detectors), line integrals of the density in units of the slice's
                        side: a ray along a side of the slice at value 1 reads 1. Divide sums over
                        pixels, as from `skimage.transform.radon`, by the pixels per side (and
                        transpose them: its views are columns, and its axis is side // 2); divide
                        optical depths by that of one side's length at value 1
    angles_deg          (views,), or angles_rad; with the convention of `skimage.transform.radon`
    beam                optional: 'parallel' (default) or 'fan', with an equiangular detector
    source_distance     for a fan beam: source to centre, in units of the slice's side
    detector_spacing    optional: between detector pixels, in units of the slice's side, for a fan
                        beam along the arc through the centre; by default a parallel detector is as
                        long as the side, and a fan covers the inscribed disc
    axis                optional: position of the rotation axis on the detector, in pixels from the
                        centre of the first one (for a fan beam, of the central ray); by default
                        the middle, (detectors - 1) / 2
    target              optional: (size size) the true slice, in [0, 1]
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped

from theta0.data._arrays import array_names, read_array
from theta0.data.ct._slices import BYTE_WINDOW, stacked
from theta0.errors import InputError
from theta0.memory import MAX_BYTES

_ANGLES = ("angles_deg", "angles_rad")
_SCALARS = ("source_distance", "detector_spacing")
_NAMES = ("sinogram", *_ANGLES, "beam", *_SCALARS, "axis", "target")
_MOST = 1.5
"""Largest plausible value: chords of the slice's disc and densities are at most 1, plus noise."""


@dataclass(frozen=True, eq=False)
class Sinogram:
    """The measurements of one slice.

    Attributes:
        values: Line integrals, density x length in units of the slice's side.
        angles_rad: Of the views.
        beam: Geometry of the rays.
        source_distance: Source to centre, in units of the slice's side; infinite for parallel rays.
        spacing: Between detector pixels; None if it follows from their number.
        axis: Detector pixel of the rotation axis; None for the middle.
        target: The true slice, in [0, 1], if it is known.
    """

    values: Float[np.ndarray, "views detectors"]
    angles_rad: Float[np.ndarray, " views"]
    beam: Literal["parallel", "fan"]
    source_distance: float
    spacing: float | None
    axis: float | None
    target: Float[np.ndarray, "height width"] | None


def holds_sinogram(path: str | Path) -> bool:
    """Whether a file is an .npz file with an array called `sinogram`."""
    return Path(path).suffix.lower() == ".npz" and "sinogram" in array_names(path)


def read_sinogram(path: str | Path) -> Sinogram:
    """Read a measured sinogram; see the module for the arrays of the file.

    Raises:
        InputError: The file cannot be read, or its arrays are inconsistent.
    """
    path = Path(path)
    available = array_names(path)
    _check_names(path, available)
    return checked_sinogram({name: read_array(path, name) for name in available}, path)


def checked_sinogram(arrays: Mapping[str, np.ndarray], source: str | Path) -> Sinogram:
    """A measured sinogram of arrays in memory.

    Args:
        arrays: By the names that the module says.
        source: Where they come from, for messages.

    Raises:
        InputError: They do not fit together, or are in other units.
    """
    _check_names(source, tuple(arrays))
    values = _values(source, arrays["sinogram"])
    angles_rad = _angles_rad(source, arrays, values)
    distance, spacing = (_scalar(source, name, arrays) for name in _SCALARS)
    beam = arrays["beam"].tolist() if "beam" in arrays else "parallel"
    if beam not in ("parallel", "fan"):
        raise InputError(f"{source}: beam is {beam!r}; choose from parallel, fan")
    if (distance is None) == (beam == "fan"):
        raise InputError(
            f"{source}: beam is {beam!r} {'without' if beam == 'fan' else 'with a'} "
            "source_distance; a fan beam has one, a parallel beam has none"
        )
    distance = np.inf if distance is None else distance
    axis = _scalar(source, "axis", arrays)
    _check_detector(source, values.shape[1], distance, spacing, axis)
    target = None
    if "target" in arrays:
        window = BYTE_WINDOW if arrays["target"].dtype == np.uint8 else None
        target = stacked(Path(source), arrays["target"], window, MAX_BYTES).pixels[0]
        if target.shape[0] != target.shape[1]:
            raise InputError(
                f"{source}: target has shape {target.shape}, but the slice is square: pad it with "
                "air to the square whose side is the unit of the sinogram"
            )
    return Sinogram(values, angles_rad, beam, distance, spacing, axis, target)


def _check_names(source: str | Path, names: tuple[str, ...]) -> None:
    if unknown := [name for name in names if name not in _NAMES]:
        raise InputError(
            f"{source}: holds {', '.join(unknown)} beside the sinogram, which is not supported; "
            f"choose from {', '.join(_NAMES)}"
        )


def _values(
    path: str | Path, values: Shaped[np.ndarray, "..."]
) -> Float[np.ndarray, "views detectors"]:
    if values.ndim != 2 or values.dtype.kind not in "biuf" or min(values.shape) < 1:
        raise InputError(
            f"{path}: sinogram has shape {values.shape} and dtype {values.dtype}; it is "
            "(views, detectors) numbers"
        )
    if values.shape[1] < 2:
        raise InputError(
            f"{path}: sinogram has shape {values.shape}; a view needs at least 2 detector pixels"
        )
    values = values.astype(np.float64)
    if bad := int((~np.isfinite(values)).sum()):
        raise InputError(
            f"{path}: sinogram holds {bad} values that are not numbers (NaN or infinite); leave "
            "their views out, or interpolate dead detector pixels"
        )
    low, high = float(values.min()), float(values.max())
    if low == high:
        raise InputError(f"{path}: sinogram is {low:g} everywhere; give measurements of a slice")
    if high > _MOST or values.mean() <= 0:
        raise InputError(
            f"{path}: sinogram has values from {low:g} to {high:g} with mean {values.mean():g}, "
            "but line integrals of a slice in [0, 1] are 0 to 1: divide sums over pixels "
            "(skimage.transform.radon) by the pixels per side, and optical depths by that of one "
            "side's length at value 1"
        )
    return values


def _angles_rad(
    path: str | Path,
    arrays: Mapping[str, np.ndarray],
    values: Float[np.ndarray, "views detectors"],
) -> Float[np.ndarray, " views"]:
    given = [name for name in _ANGLES if name in arrays]
    if len(given) != 1:
        raise InputError(
            f"{path}: holds {' and '.join(given) or 'no angles'}; store one of {', '.join(_ANGLES)}"
        )
    angles, views = arrays[given[0]], len(values)
    if angles.dtype.kind not in "iuf" or not np.isfinite(angles).all():
        raise InputError(f"{path}: {given[0]} are not finite numbers; give one per view")
    if angles.shape != (views,):
        turned = ": transpose it" if angles.shape == values.shape[1:] else ""
        raise InputError(
            f"{path}: {given[0]} has shape {angles.shape} for a sinogram of shape {values.shape}; "
            f"it is (views, detectors), with one angle per view{turned}"
        )
    if given[0] == "angles_deg":
        return np.deg2rad(angles)
    if np.abs(angles).max() > 4 * np.pi:
        raise InputError(
            f"{path}: angles_rad are up to {np.abs(angles).max():g}, beyond two rotations; store "
            "degrees as angles_deg"
        )
    return angles.astype(np.float64)


def _scalar(path: str | Path, name: str, arrays: Mapping[str, np.ndarray]) -> float | None:
    """A positive number, if the file contains it."""
    if name not in arrays:
        return None
    stored = arrays[name]
    if stored.size != 1 or stored.dtype.kind not in "iuf" or not 0 < float(stored.item()) < np.inf:
        raise InputError(f"{path}: {name} is {stored.tolist()}; give one number above 0")
    return float(stored.item())


def _check_detector(
    path: str | Path, rays: int, distance: float, spacing: float | None, axis: float | None
) -> None:
    """Refuse an axis outside the detector, and a fan of 180 degrees or more."""
    if axis is not None and axis > rays - 1:
        raise InputError(
            f"{path}: axis is {axis:g}, beside a detector of {rays} pixels; give a number above 0, "
            f"at most {rays - 1}"
        )
    reach = rays if axis is None else 2 * max(axis, rays - 1 - axis) + 1
    if spacing is not None and reach * spacing >= np.pi * distance:
        raise InputError(
            f"{path}: detector_spacing is {spacing:g}, with which {rays} detector pixels make a "
            f"fan of {np.rad2deg(rays * spacing / distance):.0f} degrees from a source_distance of "
            f"{distance:g}; give both in units of the slice's side"
        )
