"""``theta0 fit``: fit one picture, slice, sinogram or object from an initialization."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from theta0.errors import InputError, trusting
from theta0.evaluation import Candidate, Init, Inits, rule_in_words
from theta0.inits import Description, Initialization, find
from theta0.inner import InnerConfig, InnerLoop, Objective
from theta0.presets import INITS, Experiment, InitName, experiment_of
from theta0.reconstruct import (
    BASELINE_RULE,
    SignalFit,
    fit_signal,
    fit_signals,
    in_words,
    note_if_unlike,
    stack_in_words,
    suited,
    write_fits,
    write_stack,
)
from theta0.signals import Signal

from ._common import parse, progress_bar, require_folder, say
from ._fit_arguments import EXAMPLES, FitArguments, Terms, camera_of, check, fraction_of


class _Job(NamedTuple):
    """What all fits of a command share."""

    arguments: FitArguments
    initialization: Initialization
    rule: Candidate
    loop: InnerLoop
    fraction: float | None
    """of the measurements, for validation"""

    @property
    def description(self) -> Description:
        """What the initialization is for."""
        return self.initialization.description

    def rule_for(self, name: str) -> Candidate:
        """How an initialization is fitted: the rule of the learned one would not suit others."""
        given = self.arguments.rule is not None or self.arguments.lr is not None
        own = self.rule.rule is None or self.rule.after_own
        return self.rule if name == "learned" or (given and not own) else Candidate(BASELINE_RULE)


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(FitArguments, argv, "fit", description=EXAMPLES)
    check(arguments)
    keep, fraction = (
        fraction_of(f"--{name.replace('_', '-')}", getattr(arguments, name))
        for name in ("keep", "validation_fraction")
    )
    # The resolved name, for a folder given as "." has none.
    out = arguments.out or Path("fits") / arguments.signal.resolve().stem
    require_folder(out)
    initialization = _sized(_sampled(find(arguments.init), arguments.samples), arguments)
    # Once more, now that it is known what holds where nothing is said.
    inner = initialization.description.inner
    own = Terms(**vars(inner.objective))
    default = FitArguments(arguments.init, arguments.signal, objective=own, flip=inner.flip)
    arguments = parse(FitArguments, argv, "fit", default=default)
    rule = rule_in_words(initialization, arguments.rule, arguments.lr)
    job = _Job(arguments, initialization, rule, _loop(initialization, arguments), fraction)
    return _fit_all(job, out) if arguments.index == "all" else _fit_one(job, out, keep)


def _fit_one(job: _Job, out: Path, keep: float | None) -> dict[str, Any]:
    """Fit one signal, from one initialization or several."""
    arguments, signal = job.arguments, _signal(job, keep)
    fits = _fits(job, signal)
    write_fits(out, job.initialization, signal, job.loop, fits, arguments.size, arguments.region)
    say(f"reconstruction, weights, pictures and numbers: {out}")
    return {
        "out": str(out),
        **fits[0].rule.described(),
        "steps": [row for done in fits for row in done.rows],
        "seconds": round(sum(done.result.seconds for done in fits), 2),
    }


def _fits(job: _Job, signal: Signal) -> list[SignalFit]:
    """The signal fitted from every initialization that is asked for."""
    arguments, inits, fits = job.arguments, _inits(job, signal), []
    for name, init in inits.items():
        with progress_bar(job.loop.steps) as update:
            done = fit_signal(
                name, init(0), job.rule_for(name), job.loop, job.description.forward, signal,
                arguments.seed, arguments.seconds,
                lambda step, loss, name=name: update(step, f"{name}, loss {loss:.2e}"),
                job.fraction,
            )  # fmt: skip
        if job.fraction is not None:
            say(f"the validation fraction is predicted best after {done.steps} steps")
        say(f"{arguments.signal.name}{', ' + name if len(inits) > 1 else ''}: {in_words(done)}")
        if name == "learned":
            note_if_unlike(done, job.description, job.loop)
        fits.append(done)
    return fits


def _fit_all(job: _Job, out: Path) -> dict[str, Any]:
    """Fit every slice of a stack."""
    arguments, description = job.arguments, job.description
    for name in ("mask", "keep", "size", "region", "seconds", "data"):
        if getattr(arguments, name) is not None:
            raise InputError(f"--index all: leave out --{name}, which is for one slice")
    if len(arguments.inits) != 1 or arguments.inits[0] in ("all", "mean"):
        raise InputError(
            "--index all: every slice is fitted from one initialization; give --inits one name, "
            "other than all and mean"
        )
    with trusting(arguments.trust):
        signals = description.data.read_all(arguments.signal, arguments.views)
    signals = [suited(one, description) for one in signals]
    ((name, init),) = _inits(job, signals[0]).items()
    began = time.monotonic()
    with progress_bar(len(signals), "slices") as update:
        fits = fit_signals(
            name, init(0), job.rule_for(name), job.loop, description.forward, signals,
            arguments.seed, job.fraction, lambda done: update(done, name),
        )  # fmt: skip
    for done in fits if name == "learned" else ():
        note_if_unlike(done, description, job.loop)
    rows = write_stack(out, signals, fits)
    seconds = round(time.monotonic() - began, 2)
    say(f"{arguments.signal.name}: {stack_in_words(fits)} in {seconds:.1f} s")
    say(f"volume, montage and numbers: {out}")
    return {"out": str(out), "slices": rows, "seconds": seconds}


def _sampled(initialization: Initialization, samples: int | None) -> Initialization:
    """The same initialization, seen with another number of samples per ray."""
    forward = initialization.description.forward.with_samples(samples)
    return replace(initialization, description=replace(initialization.description, forward=forward))


def _sized(initialization: Initialization, arguments: FitArguments) -> Initialization:
    """The same initialization, for signals of the size that is asked for."""
    size = arguments.fit_size
    if size == "own":
        size = initialization.description.data.own_size(arguments.signal)
    return initialization if size is None else initialization.at_size(size)


def _loop(initialization: Initialization, arguments: FitArguments) -> InnerLoop:
    inner, data = initialization.description.inner, initialization.description.data
    objective = Objective(**vars(arguments.objective))
    config = InnerConfig(
        steps=arguments.steps,
        batch=inner.batch if arguments.batch is None else arguments.batch,
        objective=replace(objective, tv_side=objective.tv_side or data.size),
        flip=arguments.flip,
    )
    return config.build()


def _signal(job: _Job, keep: float | None) -> Signal:
    """The signal, read, or the part of it that is to be fitted."""
    arguments, signal = job.arguments, _read(job)
    own = job.description.inner.objective.added
    added = {name: of for name, of in arguments.objective.added.items() if own.get(name) != of}
    signal.refuse({**vars(arguments), **added})
    if arguments.mask is not None or keep is not None:
        signal = signal.observe_part(arguments.mask, keep or 1.0, arguments.seed)
        seen, pixels = len(signal.task.support.y), len(signal.task.query.y)
        say(f"{seen} of {pixels} pixels are seen")
    signal = suited(signal, job.description)
    if arguments.region is not None and arguments.size is None:
        signal.check_region(arguments.region)
    return signal


def _read(job: _Job) -> Signal:
    arguments, data = job.arguments, job.description.data
    assert arguments.index != "all"
    camera = camera_of(arguments)
    with trusting(arguments.trust):
        if camera is None:
            return data.read(arguments.signal, arguments.views, arguments.index)
        return data.photograph(arguments.signal, **camera)


def _inits(job: _Job, signal: Signal) -> Inits:
    """The initializations that are asked for, by name."""
    asked = job.arguments.inits
    names: list[InitName] = [name for name in INITS if name in asked or "all" in asked]
    learned = job.initialization.learned
    if names == ["learned"]:
        own = Init.learned(learned, job.description.inner)
        return {"learned": lambda signal: own}
    experiment, shown = _experiment(job), None
    if "mean" in names:
        names = _with_mean_or_without(job, experiment, names)
        shown = experiment.data.build().mean_signal() if "mean" in names else None
    made: dict[str, Any] = {}
    for name in names:
        if name in ("mean", "matched"):
            how = experiment.baseline
            say(f"making the initialization {name}: {how.steps} steps of {how.rule.label}")
        forward = signal.query_forward or experiment.forward
        made[name] = experiment.init(name, learned, forward, signal.task.query.p, shown)
    return made


def _with_mean_or_without(
    job: _Job, experiment: Experiment, names: list[InitName]
) -> list[InitName]:
    """The names, without the mean where all are asked for and its data is not there.

    Raises:
        InputError: the mean is asked for by name, and its data is not there.
    """
    in_run = (Path(job.arguments.init) / "config.json").exists()
    # The path that comes with an initialization, but not from its run folder, is only a name.
    if in_run or job.arguments.data is not None or not experiment.data.path:
        return names
    what = f"it shows the mean of {experiment.data.path}, which does not come with the file"
    if "all" not in job.arguments.inits:
        raise InputError(f"--inits mean: {what}; give --data")
    say(f"mean is left out: {what}; give --data")
    return [name for name in names if name != "mean"]


def _experiment(job: _Job) -> Experiment:
    experiment = experiment_of(job.initialization, job.arguments.init)
    return replace(experiment, seed=job.arguments.seed).on_data(job.arguments.data)
