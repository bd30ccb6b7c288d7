"""Measured sinograms, read from an .npz file of plain arrays, or a .mat file of MATLAB's.

Its arrays, of the same names in both:

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

Values that are hardly meant (see `_plausible`) are refused unless the caller trusts them; a file
cannot vouch for itself.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped

from theta0.data._arrays import array_names, array_shapes, read_array
from theta0.data._matlab import matlab_shapes, read_matlab
from theta0.data.ct._plausible import check_angles, check_geometry, check_readings
from theta0.data.ct._rays import fan_rays, parallel_rays
from theta0.data.ct._slices import BYTE_WINDOW, is_mask, stacked
from theta0.data.ct._target import check_target
from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory

_ANGLES = ("angles_deg", "angles_rad")
_SCALARS = ("source_distance", "detector_spacing")
_NAMES = ("sinogram", *_ANGLES, "beam", *_SCALARS, "axis", "target")
_RAY_BYTES = 200
"""Taken by each measured ray: its value, its segment, and the steps by which that is computed."""


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
    """Whether a file is an .npz file with an array called `sinogram`, or a .mat file."""
    suffix = Path(path).suffix.lower()
    return suffix == ".mat" or (suffix == ".npz" and "sinogram" in array_names(path))


def read_sinogram(path: str | Path) -> Sinogram:
    """Read a measured sinogram; see the module for the arrays of the file.

    Raises:
        InputError: The file cannot be read, or its arrays are inconsistent or implausible.
    """
    path = Path(path)
    matlab = path.suffix.lower() == ".mat"
    shapes = matlab_shapes(path) if matlab else array_shapes(path)
    _check_names(path, shapes)
    bytes_per_value = {"sinogram": _RAY_BYTES}
    needed = sum(bytes_per_value.get(name, 32) * math.prod(x) for name, x in shapes.items())
    check_memory(path, needed, MAX_BYTES, "leave out views, or combine detector pixels")
    if not matlab:
        return checked_sinogram({name: read_array(path, name) for name in shapes}, path)
    arrays = read_matlab(path)
    # MATLAB's vectors are matrices of one row or column.
    vectors = {name: arrays[name].reshape(-1) for name in _ANGLES if _is_vector(arrays.get(name))}
    return checked_sinogram(arrays | vectors, path)


def _is_vector(array: np.ndarray | None) -> bool:
    return array is not None and array.size == max(array.shape, default=1)


def checked_sinogram(arrays: Mapping[str, np.ndarray], source: str | Path) -> Sinogram:
    """A measured sinogram of arrays in memory.

    Args:
        arrays: By the names that the module says.
        source: Where they come from, for messages.

    Raises:
        InputError: They do not fit together, or are in other units.
    """
    _check_names(source, arrays)
    values = _values(source, arrays["sinogram"])
    beam = arrays["beam"].tolist() if "beam" in arrays else "parallel"
    if beam not in ("parallel", "fan"):
        raise InputError(f"{source}: beam is {beam!r}; choose from parallel, fan")
    angles_rad = _angles_rad(source, arrays, values, beam)
    distance, spacing = (_scalar(source, name, arrays) for name in _SCALARS)
    if (distance is None) == (beam == "fan"):
        raise InputError(
            f"{source}: beam is {beam!r} {'without' if beam == 'fan' else 'with a'} "
            "source_distance; a fan beam has one, a parallel beam has none"
        )
    distance = np.inf if distance is None else distance
    axis = _scalar(source, "axis", arrays)
    _check_detector(source, values.shape[1], distance, spacing, axis)
    check_geometry(source, values.shape[1], distance, spacing)
    check_readings(source, values, beam, _is_whole(values.shape[1], spacing, axis))
    target = _target(source, arrays["target"]) if "target" in arrays else None
    found = Sinogram(values, angles_rad, beam, distance, spacing, axis, target)
    if target is not None:
        check_target(source, target, values, *_rays(found))
    return found


def _target(
    source: str | Path, stored: Shaped[np.ndarray, "..."]
) -> Float[np.ndarray, "size size"]:
    if stored.ndim != 2:
        raise InputError(
            f"{source}: target has shape {stored.shape}; it is one slice, (size, size)"
        )
    grey = stored.dtype == np.uint8 and not is_mask(f"{source}: target", stored)
    target = stacked(Path(source), stored, BYTE_WINDOW if grey else None, MAX_BYTES).pixels[0]
    if target.shape[0] != target.shape[1]:
        raise InputError(
            f"{source}: target has shape {target.shape}, but the slice is square: pad it with "
            "air to the square whose side is the unit of the sinogram"
        )
    return target


def _rays(
    sinogram: Sinogram,
) -> tuple[Float[np.ndarray, "views detectors"], Float[np.ndarray, " detectors"]]:
    """Directions of the rays, and their offsets from the centre."""
    angles, rays = sinogram.angles_rad, sinogram.values.shape[1]
    how = sinogram.spacing, sinogram.axis
    if sinogram.beam == "parallel":
        phi_rad, offset = parallel_rays(angles, rays, *how)
    else:
        phi_rad, offset = fan_rays(angles, rays, sinogram.source_distance, *how)
    return np.broadcast_to(phi_rad, sinogram.values.shape), offset[0]


def _check_names(source: str | Path, names: Collection[str]) -> None:
    if "sinogram" not in names:
        raise InputError(
            f"{source}: holds {', '.join(names) or 'nothing'}, but no sinogram; call the line "
            "integrals (views, detectors) sinogram, and their angles angles_deg or angles_rad"
        )
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
    return values


def _angles_rad(
    path: str | Path,
    arrays: Mapping[str, np.ndarray],
    values: Float[np.ndarray, "views detectors"],
    beam: Literal["parallel", "fan"],
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
    check_angles(path, given[0], angles, beam)
    angles = angles.astype(np.float64)
    return np.deg2rad(angles) if given[0] == "angles_deg" else angles


def _scalar(path: str | Path, name: str, arrays: Mapping[str, np.ndarray]) -> float | None:
    """A positive number, if the file contains it."""
    if name not in arrays:
        return None
    stored = arrays[name]
    if stored.size != 1 or stored.dtype.kind not in "iuf" or not 0 < float(stored.item()) < np.inf:
        raise InputError(f"{path}: {name} is {stored.tolist()}; give one number above 0")
    return float(stored.item())


def _is_whole(rays: int, spacing: float | None, axis: float | None) -> bool:
    """Whether the detector reaches both ends of the slice, up to a pixel."""
    middle = (rays - 1) / 2 if axis is None else axis
    return (min(middle, rays - 1 - middle) + 1.5) * (spacing or 1 / rays) >= 0.5


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
