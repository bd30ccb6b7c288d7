"""``theta0 fit``: fit one picture, CT slice or measured sinogram from an initialization."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import tyro

from theta0.errors import InputError
from theta0.experiments import (
    BASELINE_FIT,
    LARGEST_SIZE,
    STARTS,
    Experiment,
    Region,
    StartName,
    check_region,
    experiment_of,
    fit_stack,
    fit_start,
    own_size,
    read_experiment,
)
from theta0.fields import Field
from theta0.fit import InnerConfig, OptimizerName
from theta0.forward import check_shapes, with_samples
from theta0.inits import Initialization, find
from theta0.tasks import Signal, observe_part

from ._common import parse, progress_bar, require_folder, say
from ._fit_results import in_words, stack_in_words, write_fits, write_stack

EXAMPLES = """Fit one picture, CT slice or measured sinogram from a learned start, and write the
reconstruction at its own size, the fitted weights, PSNR and SSIM by step, and a grid of pictures.

examples:
  theta0 fit faces photo.jpg
  theta0 fit faces photo.jpg --steps 2 --size 512
  theta0 fit faces photo.jpg --region 0.3 0.2 0.6 0.8 --size 1024
  theta0 fit faces photo.jpg --keep 10%
  theta0 fit faces photo.jpg --mask mask.png --starts learned standard
  theta0 fit phantoms slice.npy --views 8 --steps 200 --optimizer adam --lr 1e-3
  theta0 fit runs/ct-phantoms/cpu scans.npz --index 12 --views 16
  theta0 fit phantoms sinogram.npz --steps 200 --tv 1e-4 --hold-out 10%
  theta0 fit phantoms scans.npz --index all --views 8

a measured sinogram is an .npz file of these arrays (for numpy.savez):
  sinogram          (views, detectors): line integrals, in units of the slice's side, where a ray
                    through the whole slice at value 1 reads 1. By skimage.transform of a square
                    picture of odd size: radon(picture, angles_deg).T / len(picture)
  angles_deg        (views,), or angles_rad
  beam              'parallel' (when left out) or 'fan' (detector pixels at equal angles)
  source_distance   of a fan beam: source to centre, in units of the slice's side
  detector_spacing  between detector pixels, in units of the slice's side (a fan: along the arc
                    through the centre); when left out the detector covers the slice
  target            (size, size): the true slice in [0, 1]; without it, no PSNR and no SSIM, but
                    the mean squared error of the measurements

files in the output folder: reconstruction.png, fitted.safetensors, results.json, strip.png (a row a
start, the target last if it is known); with --size N reconstruction-N.png, with --region region.png
instead; with --index all volume.npy (slices, height, width), montage.png and results.json.
"""


@dataclass
class FitArguments:
    """Arguments of ``theta0 fit``."""

    init: tyro.conf.Positional[str]
    """run folder, .safetensors file, or name of a shipped initialization"""
    signal: tyro.conf.Positional[Path]
    """picture, CT slice (.npz, .npy, DICOM file or folder, grey picture), or measured sinogram"""
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
    """samples a ray of a CT slice; those of training when left out, but with many views a finer sum
    is worth its time"""
    views: int | None = None
    """views of a CT slice, evenly spaced over half a turn (fan beam: a full one); of a measured
    sinogram so many of its own, evenly spaced in their order, or all when left out"""
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
    """also render at this many pixels a side"""
    region: Region | None = None
    """also render TOP LEFT BOTTOM RIGHT, in fractions of the fitted square (-1 to 2: outside it is
    extrapolated), its long side at --size pixels, or at the scale of the file"""
    tv: float | None = None
    """weight of the field's total variation beside the mean squared error, such as 1e-4: fewer
    streaks where few views leave much open"""
    proximal: float | None = None
    """weight of half the squared distance of the weights from the start"""
    hold_out: str | None = None
    """stop where a random share of the measurements, such as 10%, is predicted best by a fit of the
    rest, at one of the numbers of steps that are shown: no truth is needed; then fit all of them"""
    seconds: float | None = None
    """stop after this much time, each start"""
    seed: int = 0
    """of random batches and samples, of kept pixels, and of the starts but the learned one"""
    out: Path | None = None
    """folder for the results; fits/SIGNAL when left out"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(FitArguments, argv, "fit", description=EXAMPLES)
    _check(arguments)
    keep, hold_out = (
        _share(f"--{name.replace('_', '-')}", getattr(arguments, name))
        for name in ("keep", "hold_out")
    )
    # The resolved name, for a folder given as "." has none.
    out = arguments.out or Path("fits") / arguments.signal.resolve().stem
    require_folder(out)
    initialization = _sampled(find(arguments.init), arguments.samples)
    loop = _loop(initialization, arguments)
    loop.build()
    if arguments.index == "all":
        return _fit_all(out, initialization, loop, arguments, hold_out)
    signal = _signal(initialization, arguments, arguments.index, keep)
    if arguments.region is not None and arguments.size is None:
        own_size(arguments.region, signal.own_side)
    starts = _starts(initialization, arguments, signal)
    fits = []
    for name, start in starts.items():
        used = loop if name == "learned" else _baseline_loop(loop, arguments)
        with progress_bar(loop.steps) as update:
            done = fit_start(
                name, start, used, initialization.description.forward, signal, arguments.seed,
                arguments.seconds,
                lambda step, loss, name=name: update(step, f"{name}, loss {loss:.2e}"),
                hold_out,
            )  # fmt: skip
        say(f"{arguments.signal.name}{', ' + name if len(starts) > 1 else ''}: {in_words(done)}")
        fits.append(done)
    write_fits(out, initialization, signal, fits, arguments.size, arguments.region)
    say(f"reconstruction, weights, strip and table: {out}")
    return {
        "out": str(out),
        "optimizer": fits[0].loop.optimizer,
        "lr": fits[0].loop.lr,
        "steps": [row for done in fits for row in done.rows],
        "seconds": round(sum(done.result.seconds for done in fits), 2),
    }


def _sampled(initialization: Initialization, samples: int | None) -> Initialization:
    """The same start, seen with another number of samples a ray."""
    forward = with_samples(initialization.description.forward, samples)
    return replace(initialization, description=replace(initialization.description, forward=forward))


def _fit_all(
    out: Path,
    initialization: Initialization,
    loop: InnerConfig,
    arguments: FitArguments,
    hold_out: float | None,
) -> dict[str, Any]:
    """Fit every slice of a stack."""
    alone = ("mask", "keep", "size", "region", "seconds", "data")
    for name in alone:
        if getattr(arguments, name) is not None:
            raise InputError(f"--index all goes without --{name}, which is for one slice")
    if len(arguments.starts) != 1 or arguments.starts[0] in ("all", "mean"):
        raise InputError("--index all fits from one start; name one, and not mean")
    description = initialization.description
    signals = description.data.read_all(arguments.signal, arguments.views)
    support = signals[0].task.support
    check_shapes(description.forward, description.field, support.p, support.y)
    ((name, start),) = _starts(initialization, arguments, signals[0]).items()
    used = loop if name == "learned" else _baseline_loop(loop, arguments)
    began = time.monotonic()
    with progress_bar(len(signals), "slices") as update:
        fits = fit_stack(
            name, start, used, description.forward, signals, arguments.seed, hold_out,
            lambda done: update(done, name),
        )  # fmt: skip
    rows = write_stack(out, signals, fits)
    seconds = round(time.monotonic() - began, 2)
    say(f"{arguments.signal.name}: {stack_in_words(fits)} in {seconds:.1f} s")
    say(f"volume, montage and table: {out}")
    return {"out": str(out), "slices": rows, "seconds": seconds}


def _check(arguments: FitArguments) -> None:
    """Refuse what no signal can be fitted with."""
    if arguments.size is not None and not 2 <= arguments.size <= LARGEST_SIZE:
        raise InputError(f"--size {arguments.size}: give 2 to {LARGEST_SIZE} pixels")
    if arguments.region is not None:
        check_region(arguments.region)
    if arguments.seconds is not None and not arguments.seconds > 0:
        raise InputError(f"--seconds {arguments.seconds}: give a time above 0")
    if not 0 <= arguments.seed < 2**32:
        raise InputError(f"--seed {arguments.seed}: give 0 to {2**32 - 1}")
    if not arguments.starts:
        raise InputError(f"--starts: name at least one of {', '.join(STARTS)}, or all")
    if arguments.data is not None and not {"mean", "all"} & set(arguments.starts):
        raise InputError(f"--data {arguments.data}: only --starts mean (or all) has a use for it")


def _share(option: str, text: str | None) -> float | None:
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


def _signal(
    initialization: Initialization, arguments: FitArguments, index: int, share: float | None
) -> Signal:
    description = initialization.description
    signal = description.data.read(arguments.signal, arguments.views, index)
    if arguments.mask is not None or share is not None:
        signal = observe_part(
            signal, arguments.signal, arguments.mask, share or 1.0, arguments.seed
        )
        seen, pixels = len(signal.task.support.y), len(signal.task.query.y)
        say(f"{seen} of {pixels} pixels are seen")
    support = signal.task.support
    check_shapes(description.forward, description.field, support.p, support.y)
    return signal


def _loop(initialization: Initialization, arguments: FitArguments):
    inner = initialization.description.inner
    if arguments.optimizer not in (None, inner.optimizer) and arguments.lr is None:
        raise InputError(
            f"--optimizer {arguments.optimizer}: the start was learned for {inner.optimizer} with "
            f"step size {inner.lr:g}, which does not carry over; give --lr too (adam: 1e-4 to 1e-3)"
        )
    given = {
        name: getattr(arguments, name)
        for name in ("optimizer", "lr", "batch", "tv", "proximal")
        if getattr(arguments, name) is not None
    }
    side = initialization.description.data.size
    return replace(inner, steps=arguments.steps, tv_side=side, **given)


def _baseline_loop(loop: InnerConfig, arguments: FitArguments) -> InnerConfig:
    """How the other starts are fitted: the learned one's step size would not suit them."""
    given = arguments.optimizer is not None or arguments.lr is not None
    if given and not loop.optimizer.startswith("learned"):
        return loop
    kept = {name: getattr(loop, name) for name in ("steps", "batch", "tv", "tv_side", "proximal")}
    return replace(BASELINE_FIT, **kept)


def _starts(
    initialization: Initialization, arguments: FitArguments, signal: Signal
) -> dict[StartName, Field]:
    """The starts asked for, by name."""
    every = "all" in arguments.starts
    names: tuple[StartName, ...] = tuple(
        name for name in STARTS if every or name in arguments.starts
    )
    if names == ("learned",):
        return {"learned": initialization.field}
    experiment, shown = _experiment(arguments, initialization), None
    # The path that comes with a start, but not from its run folder, is only the data's name.
    absent = arguments.data is None and experiment.data.path and not _in_run(arguments)
    if "mean" in names and absent:
        what = f"it shows the mean of {experiment.data.path}, which does not come with the start"
        if not every:
            raise InputError(f"--starts mean: {what}; give --data")
        say(f"mean is left out: {what}; give --data")
        names = tuple(name for name in names if name != "mean")
    elif "mean" in names:
        shown = experiment.data.build().mean_signal()
    fields = {}
    for name in names:
        if name in ("mean", "matched"):
            adam = experiment.baseline
            say(f"making the start {name}: {adam.steps} steps of {adam.optimizer} {adam.lr:g}")
        points, forward = signal.task.query.p, signal.query_forward
        fields[name] = experiment.start(name, initialization.field, forward, points, shown)(0)
    return fields


def _in_run(arguments: FitArguments) -> bool:
    return (Path(arguments.init) / "config.json").exists()


def _experiment(arguments: FitArguments, initialization: Initialization) -> Experiment:
    experiment = (
        read_experiment(Path(arguments.init))
        if _in_run(arguments)
        else experiment_of(initialization)
    )
    return replace(experiment, seed=arguments.seed).with_data(arguments.data)
