"""``theta0 fit``: fit one picture, slice, sinogram or object from an initialization."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from theta0.errors import InputError
from theta0.fields import Field
from theta0.fit import InnerConfig
from theta0.forward import check_shapes, with_samples
from theta0.inits import Initialization, find
from theta0.presets import STARTS, Experiment, StartName, experiment_of
from theta0.reconstruct import BASELINE_FIT, fit_signal, fit_signals, native_size
from theta0.tasks import DataConfig, Signal, ViewConfig, observe_part

from ._common import parse, progress_bar, require_folder, say
from ._fit_arguments import EXAMPLES, FitArguments, camera_of, check, check_object, share_of
from ._fit_results import in_words, stack_in_words, write_fits, write_stack


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(FitArguments, argv, "fit", description=EXAMPLES)
    check(arguments)
    keep, hold_out = (
        share_of(f"--{name.replace('_', '-')}", getattr(arguments, name))
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
        native_size(arguments.region, signal.own_side)
    starts = _starts(initialization, arguments, signal)
    fits = []
    for name, start in starts.items():
        used = loop if name == "learned" else _baseline_loop(loop, arguments)
        with progress_bar(loop.steps) as update:
            done = fit_signal(
                name, start, used, initialization.description.forward, signal, arguments.seed,
                arguments.seconds,
                lambda step, loss, name=name: update(step, f"{name}, loss {loss:.2e}"),
                hold_out,
            )  # fmt: skip
        if hold_out is not None:
            say(f"held-out measurements are predicted best after {done.loop.steps} steps")
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
        fits = fit_signals(
            name, start, used, description.forward, signals, arguments.seed, hold_out,
            lambda done: update(done, name),
        )  # fmt: skip
    rows = write_stack(out, signals, fits)
    seconds = round(time.monotonic() - began, 2)
    say(f"{arguments.signal.name}: {stack_in_words(fits)} in {seconds:.1f} s")
    say(f"volume, montage and table: {out}")
    return {"out": str(out), "slices": rows, "seconds": seconds}


def _signal(
    initialization: Initialization, arguments: FitArguments, index: int, share: float | None
) -> Signal:
    description = initialization.description
    signal = _read(description.data, arguments, index)
    if signal.shots is not None:
        check_object(arguments, signal.shots.standpoint is not None)
    if arguments.mask is not None or share is not None:
        signal = observe_part(signal, arguments.mask, share or 1.0, arguments.seed)
        seen, pixels = len(signal.task.support.y), len(signal.task.query.y)
        say(f"{seen} of {pixels} pixels are seen")
    support = signal.task.support
    check_shapes(description.forward, description.field, support.p, support.y)
    return signal


def _read(data: DataConfig, arguments: FitArguments, index: int) -> Signal:
    camera = camera_of(arguments)
    if camera is None:
        return data.read(arguments.signal, arguments.views, index)
    if not isinstance(data, ViewConfig):
        raise InputError(
            "--azimuth, --elevation, --distance and --fov are of a photograph of an object, but "
            "this start was learned on other signals; leave them out"
        )
    return data.photograph(arguments.signal, **camera)


def _loop(initialization: Initialization, arguments: FitArguments):
    inner = initialization.description.inner
    if arguments.optimizer not in (None, inner.optimizer) and arguments.lr is None:
        learned = f"{inner.optimizer} with step size {inner.lr:g}"
        if inner.optimizer == "learned":
            learned = "step sizes of its own"
        raise InputError(
            f"--optimizer {arguments.optimizer}: the start was learned for {learned}, which does "
            "not carry over; give --lr too (adam: 1e-4 to 1e-3)"
        )
    given = {
        name: getattr(arguments, name)
        for name in ("optimizer", "lr", "batch", "tv", "proximal", "huber")
        if getattr(arguments, name) is not None
    }
    side = initialization.description.data.size
    mirrored = arguments.mirrored or inner.mirrored
    return replace(inner, steps=arguments.steps, tv_side=side, mirrored=mirrored, **given)


def _baseline_loop(loop: InnerConfig, arguments: FitArguments) -> InnerConfig:
    """How the other starts are fitted: the learned one's step size would not suit them."""
    given = arguments.optimizer is not None or arguments.lr is not None
    if given and not loop.optimizer.startswith("learned"):
        return loop
    shared = "steps", "batch", "tv", "tv_side", "proximal", "huber", "mirrored"
    kept = {name: getattr(loop, name) for name in shared}
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
        forward = signal.query_forward or experiment.forward
        places = signal.task.query.p
        fields[name] = experiment.start(name, initialization.field, forward, places, shown)(0)
    return fields


def _in_run(arguments: FitArguments) -> bool:
    return (Path(arguments.init) / "config.json").exists()


def _experiment(arguments: FitArguments, initialization: Initialization) -> Experiment:
    experiment = experiment_of(initialization, arguments.init)
    return replace(experiment, seed=arguments.seed).on_data(arguments.data)
