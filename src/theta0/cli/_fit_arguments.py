"""What ``theta0 fit`` can be told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from theta0.data.ct import SLICE_FORMATS
from theta0.errors import LARGEST_SEED, InputError
from theta0.inner import Objective
from theta0.presets import INITS, InitName
from theta0.signals import LARGEST_SIZE, Region, check_region

from ._common import Flag

EXAMPLES = """Fit one picture, CT slice, measured sinogram or object seen by cameras from a learned
initialization, and write the reconstruction, the fitted weights, PSNR and SSIM by step, and a grid
of pictures. Update rule, batch and added terms of the objective are those that the initialization
was learned for, unless options say otherwise.

examples:
  theta0 fit faces photo.jpg
  theta0 fit faces photo.jpg --steps 2 --size 512
  theta0 fit runs/images/grid photo.jpg --fit-size own --steps 5
  theta0 fit faces photo.jpg --region 0.3 0.2 0.6 0.8 --size 1024
  theta0 fit faces photo.jpg --keep 10% --tv 1e-3
  theta0 fit faces photo.jpg --mask mask.png --inits learned standard
  theta0 fit phantoms slice.npy --views 8 --steps 200 --rule adam:1e-3
  theta0 fit runs/ct-phantoms/cpu scans.npz --index 12 --views 16
  theta0 fit phantoms sinogram.npz --steps 200 --tv 3e-6 --validation-fraction 10%
  theta0 fit phantoms-four-views slice.npy --views 4 --flip
  theta0 fit phantoms scans.npz --index all --views 8
  theta0 fit runs/view-chair/cpu objects/chair --views 1
  theta0 fit runs/view-chair/cpu photo.png --azimuth 30 --elevation 20 --distance 4 --fov 30

Of a picture the centred square is fitted, at --fit-size or the size that the initialization was
learned for; PSNR and SSIM are of the square at that size, whatever --size says.

An object is a folder of views with their cameras (transforms.json, or SRN's rgb, pose and
intrinsics.txt), or one photograph with an alpha channel and where it was taken from. The fit sees
the first --views of them; the views that the initialization keeps for judging, or else all others,
judge it. Nothing judges a photograph: its fit reports the mean squared error of its pixels. See
also theta0 render and theta0 export.

A measured sinogram is an .npz file of these arrays (for numpy.savez), or a .mat file of MATLAB
(save(..., '-v7')) of the same names:
  sinogram          (views, detectors): line integrals, in units of the slice's side, where a ray
                    through the whole slice at value 1 reads 1. With scikit-image, of a square
                    picture: radon(picture, angles_deg).T / len(picture), and the axis below if
                    its size is even
  angles_deg        (views,), or angles_rad
  beam              'parallel' (the default) or 'fan' (detector pixels at equal angles)
  source_distance   of a fan beam: source to centre, in units of the slice's side
  detector_spacing  between detector pixels, in units of the slice's side (a fan: along the arc
                    through the centre); without it the detector covers the slice
  axis              detector pixel (from 0) on which the axis of rotation falls: size // 2 of
                    scikit-image's radon; without it the middle
  target            (size, size): the true slice in [0, 1]; without it the fit is judged by the
                    mean squared error of the measurements instead of PSNR and SSIM

Files in the output folder: reconstruction.png, fitted.safetensors, results.json and strip.png (a
row per initialization, the target last if it is known); reconstruction-N.png with --size N, or
region.png with --region; with --index all volume.npy (slices, height, width), montage.png and
results.json. Of an object, reconstruction.png shows the input views, the views that judge the fit,
and the fit as seen from there.
"""


_SIGNAL = (
    "picture, CT slice or stack of slices, measured sinogram (.npz, .mat), or object (folder of "
    f"views, or photograph). CT slices are {SLICE_FORMATS}"
)


@dataclass(frozen=True)
class Terms(Objective):
    """The terms of an objective as options of their own, where other commands take one word."""


@dataclass
class FitArguments:
    """Arguments of ``theta0 fit``."""

    init: tyro.conf.Positional[str]
    """run folder, .safetensors file, or name of a shipped initialization"""
    signal: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(help=_SIGNAL)]]
    steps: int = 50
    """inner steps"""
    rule: str | None = None
    """update rule: adam, adam:1e-3, sgd:0.1, ... (theta0 info lists them), or learned+adam:1e-4
    (the learned steps, then Adam, for more than a handful of views); what the initialization was
    learned for when left out"""
    lr: float | None = None
    """step size, of a rule that has one"""
    batch: int | None = None
    """observations per step; what the initialization was learned for when left out"""
    samples: int | None = None
    """samples per ray; as in training when left out, but with many views of a CT slice a finer sum
    is worth its time"""
    views: int | None = None
    """views of a CT slice, evenly spaced over half a turn (fan beam: a full turn); of a measured
    sinogram so many of its own, evenly spaced in their order, or all when left out; of an object
    the first ones, or half of them when left out"""
    azimuth: float | None = None
    """photographs only: where the camera stood, in degrees from +x towards +y (objects face -y)"""
    elevation: float | None = None
    """photographs only: degrees above the horizontal"""
    distance: float | None = None
    """photographs only: from the camera to the object's centre, in world units (the bounding
    sphere's radius is 1); what the initialization was learned for when left out"""
    fov: float | None = None
    """of a photograph: angle between its left and right edge, in degrees; what the initialization
    was learned for when left out"""
    index: int | Literal["all"] = 0
    """which slice of a stack (from 0), or all of them, several at once"""
    trust: Flag = False
    """take the values as they are where checks find them implausible, such as angles in another
    unit or a transposed sinogram"""
    mask: Path | None = None
    """fit only the pixels that are white in this picture, which has the size of the fitted one"""
    keep: str | None = None
    """fit only a random fraction of the pixels (with --mask: of the white ones), such as 10% or
    0.1"""
    inits: tuple[Literal["all", InitName], ...] = ("learned",)
    """initializations to fit from, side by side in strip.png: the learned one, and baselines. These
    are fitted with adam:3e-4, a default that is not tuned, unless --rule or --lr is given, which
    then holds for all. Reconstruction, weights and losses are kept of the first one"""
    data: str | None = None
    """pictures or slices of the class, for the baseline initialization mean, unless INIT is a run
    folder"""
    fit_size: int | Literal["own"] | None = None
    """pixels per side at which a picture is fitted, or own for those of its shorter side; the size
    that the initialization was learned for when left out. A feature grid then has as many samples
    in its finest level"""
    size: int | None = None
    """also render the fitted network at this many pixels per side, as a file of its own; the fit
    and its PSNR stay at the size that --fit-size says (of an object: see theta0 render)"""
    region: Annotated[Region | None, tyro.conf.arg(metavar="TOP LEFT BOTTOM RIGHT")] = None
    """also render this region, in fractions of the fitted square (-1 to 2: extrapolated outside 0
    to 1), its long side at --size pixels, or at the scale of the file"""
    objective: Annotated[Terms, tyro.conf.arg(name="")] = field(default_factory=Terms)
    """what is minimized besides the mean squared error"""
    flip: bool = False
    """flip test-time augmentation: fit a CT slice or picture twice, as it is and mirrored left to
    right, and show the mean; smaller errors where little was measured, in twice the time. As the
    initialization was learned for when neither is given"""
    validation_fraction: str | None = None
    """choose the number of steps, among those shown, by which a fit of the rest predicts this
    random fraction of the measurements best, such as 10%; then fit all of them. No ground truth is
    needed"""
    seconds: float | None = None
    """stop after this much time, each initialization; not with --validation-fraction, which needs
    all steps"""
    seed: int = 0
    """seed of random batches and samples, of kept pixels, and of the baseline initializations"""
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
    if arguments.seconds is not None and arguments.validation_fraction is not None:
        raise InputError(
            f"--seconds {arguments.seconds:g}: --validation-fraction takes all --steps before it "
            "chooses; give one of the two"
        )
    if not 0 <= arguments.seed <= LARGEST_SEED:
        raise InputError(f"--seed {arguments.seed}: give 0 to {LARGEST_SEED}")
    if not arguments.inits:
        raise InputError(f"--inits: name at least one of {', '.join(INITS)}, or all")
    if arguments.data is not None and not {"mean", "all"} & set(arguments.inits):
        raise InputError(f"--data {arguments.data}: only --inits mean (or all) uses it")


def fraction_of(option: str, text: str | None) -> float | None:
    """A fraction such as 10% or 0.1; None if it is not given."""
    if text is None:
        return None
    try:
        fraction = float(text[:-1]) / 100 if text.endswith("%") else float(text)
    except ValueError:
        fraction = float("nan")
    if not 0 < fraction <= 1:
        raise InputError(
            f"{option} {text}: give a fraction above 0 and at most 1, such as 10% or 0.1"
        )
    return fraction


def camera_of(arguments: FitArguments) -> dict[str, float] | None:
    """Where a photograph was taken from; None if none of it is given.

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
