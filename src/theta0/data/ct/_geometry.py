"""Where the pixels of slices lie in the patient: axial planes of square pixels.

Directions are in the patient's frame of DICOM (LPS): x to the left, y to the back, z to the head.
An axial slice has rows from front to back and columns from the right of the patient to the left.
"""

from itertools import permutations

import numpy as np
from jaxtyping import Float, Shaped
from PIL import Image

from theta0.errors import InputError, note
from theta0.memory import check_memory

_SAME = 1e-3
"""Relative difference between the sides of a pixel that is ignored."""

_MOST_STRETCH = 32
"""Largest ratio between the sides of a pixel; beyond, a header is wrong."""

_OBLIQUE = 0.999
"""Cosine of the angle (2.6 degrees) from which on a volume is called oblique."""


def squared_shape(
    source: object, height: int, width: int, spacing: tuple[float, float]
) -> tuple[int, int]:
    """Height and width of a slice after its pixels are made square.

    Args:
        source: What it is, for errors.
        height: In pixels.
        width: In pixels.
        spacing: Distance between rows, and between columns, in one unit.

    Raises:
        InputError: A distance is not above 0, or one is many times the other.
    """
    between_rows, between_columns = spacing
    if not (np.isfinite(spacing).all() and min(spacing) > 0):
        raise InputError(
            f"{source}: rows are {between_rows:g} and columns {between_columns:g} apart; pixels "
            "have sides above 0: correct the header"
        )
    ratio = between_rows / between_columns
    if not 1 / _MOST_STRETCH <= ratio <= _MOST_STRETCH:
        raise InputError(
            f"{source}: pixels are {between_rows:g} high and {between_columns:g} wide, which is no "
            "pixel of a CT slice; correct the header, or resample it"
        )
    if abs(ratio - 1) < _SAME:
        return height, width
    return (round(height * ratio), width) if ratio > 1 else (height, round(width / ratio))


def square_pixels(
    source: object,
    pixels: Float[np.ndarray, "slices height width"],
    spacing: tuple[float, float],
    max_bytes: int,
) -> Float[np.ndarray, "slices _ _"]:
    """Resample slices to square pixels of the finer spacing, bilinearly.

    Raises:
        InputError: They need more memory than `max_bytes`, or the spacing is impossible.
    """
    count, own_height, own_width = pixels.shape
    height, width = squared_shape(source, own_height, own_width, spacing)
    if (height, width) == (own_height, own_width):
        return pixels
    needed = 4 * (count + 2) * height * width + pixels.nbytes
    check_memory(source, needed, max_bytes, "give fewer slices, or resample them")
    note(
        f"{source}: pixels are {spacing[0]:g} high and {spacing[1]:g} wide; resampled to squares "
        f"({own_height} x {own_width} to {height} x {width} pixels)"
    )
    squared = np.empty((count, height, width), np.float32)
    for row, values in enumerate(pixels):
        picture = Image.fromarray(np.ascontiguousarray(values))
        squared[row] = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
    return np.clip(squared, 0.0, 1.0, out=squared)


def normal_of(axes: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, " 3"]:
    """The unit normal of slices with these directions of rows and columns.

    It points to the head, if the slices are axial.
    """
    normal = np.cross(*axes)
    normal /= np.linalg.norm(normal)
    return -normal if normal[2] < 0 and -normal[2] == np.abs(normal).max() else normal


def turned_to_axial(
    source: object,
    pixels: Float[np.ndarray, "slices height width"],
    axes: Float[np.ndarray, "2 3"],
) -> Float[np.ndarray, "slices _ _"]:
    """Turn and mirror axial slices in their plane as radiology shows them.

    Slices of other planes are returned as they are, with a note.

    Args:
        source: What they are, for messages.
        pixels: Square ones.
        axes: Directions of rows and columns.
    """
    normal = normal_of(axes)
    steps = np.stack([normal, axes[1], axes[0]], axis=1)
    if _nearest(steps)[2] == 0:
        return axial(source, pixels, steps)[0]
    plane = "coronal" if abs(normal[1]) > abs(normal[0]) else "sagittal"
    note(f"{source}: its slices are {plane}, not axial; they are read as they are stored")
    return pixels


def _nearest(cosines: Float[np.ndarray, "3 3"]) -> tuple[int, ...]:
    """The axes of an array that are nearest to x, y and z."""
    return max(permutations(range(3)), key=lambda order: abs(cosines[range(3), order]).sum())


def axial(
    source: object, volume: Shaped[np.ndarray, "_ _ _"], steps: Float[np.ndarray, "3 3"]
) -> tuple[Shaped[np.ndarray, "slices height width"], tuple[float, float]]:
    """The slices of a volume that are nearest to axial, without interpolation.

    Args:
        source: What it is, for errors.
        volume: Voxels.
        steps: Column i is the step in LPS from a voxel to the next along axis i of `volume`.

    Returns:
        The slices, from the feet to the head, and the distance between their rows and columns.

    Raises:
        InputError: The steps do not span space.
    """
    spacing = np.linalg.norm(steps, axis=0)
    if not (np.isfinite(steps).all() and spacing.all()):
        raise InputError(f"{source}: its header gives no direction to an axis; correct the header")
    cosines = steps / spacing
    if abs(np.linalg.det(cosines)) < 0.1:
        raise InputError(f"{source}: its axes do not span space; correct the header")
    axes = _nearest(cosines)
    along = cosines[range(3), axes]
    if abs(along).min() < _OBLIQUE:
        angle = np.rad2deg(np.arccos(min(1.0, abs(along).min())))
        note(
            f"{source}: the volume is oblique by {angle:.0f} degrees; its own planes nearest to "
            "axial are read, as they are"
        )
    x, y, z = axes
    slices = np.transpose(volume, (z, y, x))
    flips = tuple(slice(None, None, -1 if along[axis] < 0 else 1) for axis in (2, 1, 0))
    return slices[flips], (float(spacing[y]), float(spacing[x]))
