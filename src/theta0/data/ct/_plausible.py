"""Cheap invariants of sinograms: what is in other units, or transposed, breaks one of them.

A parallel view sums to the mass of the slice, whatever its angle; the outermost rays of a detector
that covers the slice see air; and views cover more than a few degrees.
"""

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped

from theta0.errors import implausible, note

_FEWEST = 16
"""Views and detector pixels with less than which sums say nothing."""

_FOUR_PI = 4 * np.pi * 1.01
"""Two rotations in radians; in degrees less than any scanner turns for a slice."""

_MOST_DEGREES = 1e4
"""Beyond it, angles are no numbers of degrees that a scanner turned."""

_SEEN = 0.02
"""Share of the slice that a detector sees at least."""

_MOST_DISTANCE = 50.0
"""Sides of the slice: rays of a source that is farther away are parallel."""

MOST = 1.5
"""Largest plausible value: chords of the slice's disc and densities are at most 1, plus noise."""


def check_angles(
    source: str | Path,
    name: str,
    angles: Shaped[np.ndarray, " views"],
    beam: Literal["parallel", "fan"],
) -> None:
    """Refuse angles that are in another unit, and note those that repeat or leave a wide gap.

    Args:
        source: Of the sinogram, for messages.
        name: `angles_deg` or `angles_rad`: what the angles are taken for.
        angles: In that unit.
        beam: How the rays run.

    Raises:
        InputError: They are hardly in that unit, and not trusted.
    """
    if len(angles) < 2:
        return
    largest, degrees = np.abs(angles).max(), name == "angles_deg"
    in_deg = angles.astype(np.float64) if degrees else np.rad2deg(angles.astype(np.float64))
    if degrees and largest > _MOST_DEGREES:
        implausible(f"{source}: angles_deg are up to {largest:g}, many turns; give degrees")
        return
    span = np.ptp(in_deg)
    if span == 0:
        implausible(f"{source}: {name} are {angles[0]:g} for every view; give the angle of each")
    elif span <= _FOUR_PI:
        implausible(
            f"{source}: {name} span only {span:.3g} degrees, as radians taken for degrees do; "
            "store radians as angles_rad, degrees as angles_deg"
        )
    elif not degrees and (largest > _FOUR_PI or (len(angles) > 2 and not (angles % 1).any())):
        what = "whole numbers" if largest <= _FOUR_PI else f"up to {largest:g}, two rotations"
        implausible(f"{source}: angles_rad are {what}, as degrees are; store degrees as angles_deg")
    else:
        _note_gaps(source, name, in_deg, beam)


def _note_gaps(
    source: str | Path,
    name: str,
    in_deg: Float[np.ndarray, " views"],
    beam: Literal["parallel", "fan"],
) -> None:
    turn, allowed = (180, 60) if beam == "parallel" else (360, 240)
    views = len(in_deg)
    distinct = len(np.unique(np.round(in_deg % 360, 6) % 360))
    if distinct < views - 1:  # 0 and 360 are both given by many
        note(f"{source}: {views - distinct} of {views} {name} repeat another view's")
    at = np.sort(in_deg % turn)
    gap = np.diff(np.append(at, at[0] + turn)).max()
    if gap > max(allowed, 2 * turn / views):
        note(
            f"{source}: {name} leave {gap:.0f} of {turn} degrees unseen, where a reconstruction "
            "shows what the initialization expects"
        )


def check_geometry(source: str | Path, rays: int, distance: float, spacing: float | None) -> None:
    """Refuse lengths that are in another unit than the slice's side.

    Args:
        source: Of the sinogram, for messages.
        rays: Detector pixels.
        distance: Source to centre; infinite for parallel rays.
        spacing: Between detector pixels; None if it follows from their number.

    Raises:
        InputError: They hardly are in that unit, and are not trusted.
    """
    unit = "give it in units of the slice's side, not in mm or pixels"
    if distance > _MOST_DISTANCE and np.isfinite(distance):
        implausible(f"{source}: source_distance is {distance:g} sides of the slice; {unit}")
    if spacing is not None and rays * spacing < _SEEN:
        implausible(
            f"{source}: detector_spacing is {spacing:g}, with which {rays} detector pixels see "
            f"only {rays * spacing:.2g} of the slice's side; {unit}"
        )


def check_readings(
    source: str | Path,
    values: Float[np.ndarray, "views detectors"],
    beam: Literal["parallel", "fan"],
    whole: bool,
) -> None:
    """Refuse values that are no line integrals, and a transposed sinogram.

    Args:
        source: Of the sinogram, for messages.
        values: Finite, and not all the same.
        beam: How the rays run.
        whole: The detector reaches both ends of the slice.

    Raises:
        InputError: They are hardly line integrals of a slice in [0, 1], and not trusted.
    """
    low, high, mean = float(values.min()), float(values.max()), float(values.mean())
    outer, top, middle = _profile(values)
    brightest = outer >= 0.9 * top and outer > middle > 0
    if high > MOST or mean <= 0:
        logarithm = ", and take minus the logarithm of I / I0 of intensities"
        implausible(
            f"{source}: sinogram has values from {low:g} to {high:g} with mean {mean:g}, but line "
            "integrals of a slice in [0, 1] are 0 to 1: divide sums over pixels "
            "(skimage.transform.radon) by the pixels per side, and optical depths by that of one "
            f"side's length at value 1{logarithm if brightest or mean <= 0 else ''}"
        )
    elif brightest and outer > 0.8:
        implausible(
            f"{source}: the outermost rays read {outer:.2g} and those inside less, as intensities "
            "(transmission) do, but line integrals are 0 in air: take minus the logarithm of "
            "I / I0, and divide it by the optical depth of one side's length at value 1"
        )
    elif not _transposed(source, values):
        _note_levels(source, outer, top, values.shape[1], whole)
        if beam == "parallel" and whole:
            _note_sums(source, values)


def _profile(values: Float[np.ndarray, "views detectors"]) -> tuple[float, float, float]:
    """What the outermost rays read (the lower side), nearly the most, and the middle half."""
    quarter = values.shape[1] // 4
    inside = values[:, quarter : values.shape[1] - quarter]
    outer = np.median(values[:, [0, -1]], axis=0).min()
    return float(outer), float(np.percentile(values, 98)), float(np.median(inside))


def _transposed(source: str | Path, values: Float[np.ndarray, "views detectors"]) -> bool:
    """Whether pixels' sums over views agree more than views' sums over pixels, and a view is air.

    Beside a detector that is shorter than the slice, sums of views may differ, but none is of air.
    """
    sums = values.sum(axis=1)
    spread, other = (x.std() / abs(x.mean() or 1) for x in (sums, values.sum(axis=0)))
    air = min(abs(sums[0]), abs(sums[-1])) < 0.1 * sums.max()
    if min(values.shape) < _FEWEST or not (air and spread > 0.2 and other < 0.5 * spread):
        return False
    implausible(
        f"{source}: sinogram looks transposed: sums over detector pixels spread by {spread:.0%} "
        f"from view to view, sums over views by {other:.0%} from pixel to pixel, where the first "
        "are the mass of the slice; store it as (views, detectors)"
    )
    return True


def _note_levels(source: str | Path, outer: float, top: float, pixels: int, whole: bool) -> None:
    if top < 0.02:
        note(
            f"{source}: sinogram reads at most {top:.2g}, nearly air: its unit is a ray along a "
            "side of the slice at value 1"
        )
    chord = 2 * np.sqrt(0.25 - (0.5 - 0.5 / pixels) ** 2)
    if whole and outer > chord + 0.02:
        note(
            f"{source}: the outermost rays read {outer:.2g}, but only {chord:.2g} of their way is "
            "in the slice: give detector_spacing if the detector is shorter than the side, and "
            "check that air reads 0"
        )


def _note_sums(source: str | Path, values: Float[np.ndarray, "views detectors"]) -> None:
    """Note parallel views that see the whole slice, yet not its mass."""
    if min(values.shape) < _FEWEST:
        return
    sums, top = values.sum(axis=1), np.percentile(values, 98)
    curvature = np.abs(np.diff(values, 2, axis=1))
    noise = float(np.median(curvature)) / (0.67 * np.sqrt(6)) * np.sqrt(values.shape[1])
    mass = np.median(sums)
    ends_in_air = np.abs(values[:, [0, -1]]).max(axis=1) < 0.1 * top
    odd = np.flatnonzero(ends_in_air & (np.abs(sums - mass) > 0.25 * mass + 4 * noise))
    if len(odd):
        note(
            f"{source}: {len(odd)} of {len(sums)} views, such as number {odd[0]}, sum to "
            f"{sums[odd[0]]:.3g} where half of them sum to {mass:.3g} or more, but parallel views "
            "of one slice have one sum: leave out views that failed"
        )


def check_slice(source: str | Path, pixels: Float[np.ndarray, "height width"]) -> None:
    """Refuse a sinogram given as a slice, of parallel rays or of a fan; note a long slice.

    The rows (or columns) of a sinogram have one sum and end in air, but differ. No slice of a body
    is like that: sums of its rows spread by 18 % of their mean or more on 173 real ones, those of
    views by 3 %.

    Raises:
        InputError: It is hardly a slice, and not trusted.
    """
    if any(_like_views(turned) for turned in (pixels, pixels.T)):
        implausible(
            f"{source}: looks like a sinogram, not a slice: its views have one sum and end in "
            "air; save it as sinogram (views, detectors) with angles_deg by numpy.savez (see "
            "theta0 fit --help), or give a theta0.Sinogram"
        )
    elif max(pixels.shape) >= 2 * min(pixels.shape):
        height, width = pixels.shape
        note(f"{source}: is {height} x {width} pixels, padded with air to a square")


def _like_views(rows: Float[np.ndarray, "views detectors"]) -> bool:
    if min(rows.shape) < _FEWEST or not rows.any():
        return False
    rows = rows.astype(np.float64)
    sums, top = rows.sum(axis=1), rows.max()
    differ = bool(np.abs(rows - rows.mean(axis=0)).mean() > 0.05 * rows.mean())
    ends_in_air = bool((np.median(rows[:, [0, -1]], axis=0) < 0.1 * top).all())
    return ends_in_air and differ and bool(sums.std() < 0.06 * sums.mean())
