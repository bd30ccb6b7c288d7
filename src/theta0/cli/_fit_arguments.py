"""What ``theta0 fit`` can be told."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from theta0.errors import InputError
from theta0.fit import OptimizerName
from theta0.presets import STARTS, StartName
from theta0.reconstruct import LARGEST_SIZE, Region, check_region

from ._common import Flag

EXAMPLES = """Fit one picture, CT slice, measured sinogram or object seen by cameras from a learned
start, and write the reconstruction, the fitted weights, PSNR and SSIM by step, and a grid of
pictures.

examples:
  theta0 fit faces photo.jpg
  theta0 fit faces photo.jpg --steps 2 --size 512
  theta0 fit faces photo.jpg --region 0.3 0.2 0.6 0.8 --size 1024
  theta0 fit faces photo.jpg --keep 10% --tv 1e-3
  theta0 fit faces photo.jpg --mask mask.png --starts learned standard
  theta0 fit phantoms slice.npy --views 8 --steps 200 --optimizer adam --lr 1e-3
  theta0 fit runs/ct-phantoms/cpu scans.npz --index 12 --views 16
  theta0 fit phantoms sinogram.npz --steps 200 --tv 3e-6 --hold-out 10%
  theta0 fit phantoms-four-views slice.npy --views 4 --mirrored
  theta0 fit phantoms scans.npz --index all --views 8
  theta0 fit runs/view-chair/cpu objects/chair --views 1
  theta0 fit runs/view-chair/cpu photo.png --azimuth 30 --elevation 20 --distance 4 --fov 30

an object is a folder of views with their cameras (transforms.json, or SRN's rgb, pose and
intrinsics.txt), or one photograph with an alpha channel and where it was taken from. The first
--views are fitted; what the start has as held-out views, or else all others, judge the fit. Nothing
judges a photograph: it has the mean squared error of its pixels. See theta0 render and export.

a measured sinogram is an .npz file of these arrays (for numpy.savez):
  sinogram          (views, detectors): line integrals, in units of the slice's side, where a ray
                    through the whole slice at value 1 reads 1. By skimage.transform of a square
                    picture: radon(picture, angles_deg).T / len(picture), and the axis below if
                    its size is even
  angles_deg        (views,), or angles_rad
  beam              'parallel' (when left out) or 'fan' (detector pixels at equal angles)
  source_distance   of a fan beam: source to centre, in units of the slice's side
  detector_spacing  between detector pixels, in units of the slice's side (a fan: along the arc
                    through the centre); when left out the detector covers the slice
  axis              detector pixel (from 0) on which the axis of rotation falls: size // 2 of
                    skimage's radon; the middle when left out
  target            (size, size): the true slice in [0, 1]; without it, no PSNR and no SSIM, but
                    the mean squared error of the measurements

files in the output folder: reconstruction.png, fitted.safetensors, results.json, strip.png (a row a
start, the target last if it is known); with --size N reconstruction-N.png, with --region region.png
instead; with --index all volume.npy (slices, height, width), montage.png and results.json; of an
object reconstruction.png shows input views, held-out views and what the fit shows there.
"""


@dataclass
class FitArguments:
    """Arguments of ``theta0 fit``."""

    init: tyro.conf.Positional[str]
    """run folder, .safetensors file, or name of a shipped initialization"""
    signal: tyro.conf.Positional[Path]
    """picture, CT slice (.npz, .npy, DICOM file or folder, grey picture), measured sinogram, or
    object (folder of views, or photograph)"""
    steps: int = 50
    """gradient steps"""
    optimizer: OptimizerName | None = None
    """sgd, adam, or learned-adam (the learned steps, then Adam, for more than a handful of views);
    what the start was learned for when left out (adam: give --lr too)"""
    lr: float | None = None
    """step size; what the start was learned for when left out"""
    batch: int | None = None
    """observations a step; what the start was learned for when left out"""
    samples: int | None = None
    """samples a ray; those of training when left out, but with many views of a CT slice a finer sum
    is worth its time"""
    views: int | None = None
    """views of a CT slice, evenly spaced over half a turn (fan beam: a full one); of a measured
    sinogram so many of its own, evenly spaced in their order, or all when left out; of an object
    the first ones, or half of them"""
    azimuth: float | None = None
    """of a photograph: where the camera stood, in degrees from +x towards +y (objects face -y)"""
    elevation: float | None = None
    """of a photograph: degrees above the horizontal"""
    distance: float | None = None
    """of a photograph: from the camera to the object's centre, in world units (the bounding
    sphere's radius is 1); what the start was learned for when left out"""
    fov: float | None = None
    """of a photograph: angle between its left and right edge, in degrees; the same"""
    index: int | Literal["all"] = 0
    """which slice of a stack, or all of them: several are fitted at once, from one start"""
    mask: Path | None = None
    """fit only what is white in this picture, which has the size of the fitted one"""
    keep: str | None = None
    """fit only a random share of the pixels (of those the mask shows), such as 10% or 0.1"""
    starts: tuple[Literal["all", StartName], ...] = ("learned",)
    """fit from these, side by side in strip.png; all but the learned one with Adam 3e-4, a default
    that is not tuned, unless --optimizer or --lr is given, which then holds for every one;
    reconstruction, weights and losses are kept of the learned one, or the first"""
    data: str | None = None
    """pictures or slices of the class, for the start mean, if it does not come from a run folder"""
    size: int | None = None
    """also render at this many pixels a side (of an object: see theta0 render)"""
    region: Region | None = None
    """also render TOP LEFT BOTTOM RIGHT, in fractions of the fitted square (-1 to 2: outside it is
    extrapolated), its long side at --size pixels, or at the scale of the file"""
    tv: float | None = None
    """weight of the field's total variation beside the mean squared error, such as 3e-6: fewer
    streaks where few views leave much open; too much of it blurs"""
    proximal: float | None = None
    """weight of half the squared distance of the weights from the start"""
    huber: float | None = None
    """error of a value (0 to 1) beyond which it counts in proportion instead of squared, such as
    0.1: what does not belong to the signal, as people before a building, pulls less"""
    mirrored: Flag = False
    """fit a CT slice or picture twice, as it is and mirrored left to right, and show the mean:
    smaller errors where little was measured, in twice the time"""
    hold_out: str | None = None
    """stop where a random share of the measurements, such as 10%, is predicted best by a fit of the
    rest, at one of the numbers of steps that are shown: no truth is needed; then fit all of them"""
    seconds: float | None = None
    """stop after this much time, each start; not with --hold-out, which needs all steps"""
    seed: int = 0
    """of random batches and samples, of kept pixels, and of the starts but the learned one"""
    out: Path | None = None
    """folder for the results; fits/SIGNAL when left out"""


def check(arguments: FitArguments) -> None:
    """Refuse what no signal can be fitted with."""
    if arguments.size is not None and not 2 <= arguments.size <= LARGEST_SIZE:
        raise InputError(f"--size {arguments.size}: give 2 to {LARGEST_SIZE} pixels")
    if arguments.region is not None:
        check_region(arguments.region)
    if arguments.seconds is not None and not arguments.seconds > 0:
        raise InputError(f"--seconds {arguments.seconds}: give a time above 0")
    if arguments.seconds is not None and arguments.hold_out is not None:
        raise InputError(
            f"--seconds {arguments.seconds:g}: --hold-out takes as long as all --steps, of which "
            "it chooses; give one of them"
        )
    if not 0 <= arguments.seed < 2**32:
        raise InputError(f"--seed {arguments.seed}: give 0 to {2**32 - 1}")
    if not arguments.starts:
        raise InputError(f"--starts: name at least one of {', '.join(STARTS)}, or all")
    if arguments.data is not None and not {"mean", "all"} & set(arguments.starts):
        raise InputError(f"--data {arguments.data}: only --starts mean (or all) has a use for it")


def share_of(option: str, text: str | None) -> float | None:
    """A share such as 10% or 0.1; None if it is not given."""
    if text is None:
        return None
    try:
        share = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        share = float("nan")
    if not 0 < share <= 1:
        raise InputError(f"{option} {text}: give a share above 0 and at most 1, such as 10% or 0.1")
    return share


def camera_of(arguments: FitArguments) -> dict[str, float] | None:
    """Where a photograph was taken from; None if nothing of it is given.

    Raises:
        InputError: it is given in part, or for more views than one.
    """
    named = {
        "azimuth_deg": arguments.azimuth, "elevation_deg": arguments.elevation,
        "distance": arguments.distance, "fov_deg": arguments.fov,
    }  # fmt: skip
    given = {name: value for name, value in named.items() if value is not None}
    if not given:
        return None
    if arguments.azimuth is None or arguments.elevation is None:
        raise InputError("a photograph needs both --azimuth and --elevation, in degrees")
    if arguments.views is not None or arguments.index:
        raise InputError("a photograph is one view; leave --views and --index out")
    return given


def check_object(arguments: FitArguments, photograph: bool = False) -> None:
    """Refuse what an object seen by cameras cannot be fitted with.

    Args:
        arguments: as given.
        photograph: it is a place seen by one photograph, all of whose pixels judge a fit.

    Raises:
        InputError: names the first such option.
    """
    for name in ("size", "region") if photograph else ("size", "region", "mask", "keep"):
        if getattr(arguments, name) is not None:
            raise InputError(
                f"--{name} is for pictures and slices, not for an object seen by cameras; leave it "
                "out, and see theta0 render --help for pictures of any size"
            )
    if arguments.tv:
        raise InputError("--tv is of the values of a picture or slice, not of an object; leave it")
