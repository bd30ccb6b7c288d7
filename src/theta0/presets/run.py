"""A run: a folder that holds a training completely, and goes on after a kill."""

import contextlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import optax

from theta0 import __version__
from theta0.config import from_plain, to_plain
from theta0.errors import InputError
from theta0.files import read_json, remove_leftovers, write_json
from theta0.forward import check_shapes, chunk_size
from theta0.inits import Description, Initialization, load, without_folders
from theta0.inner import check_batch
from theta0.locks import LOCK, one_at_a_time
from theta0.meta import Learned, OuterConfig, Progress, RunFiles, learn, read_log
from theta0.metrics import Metric
from theta0.registry import META_LEARNERS
from theta0.signals import TaskFamily, check_tasks

from .environment import command_line, commit, environment
from .experiment import Experiment

_COPIES_OF_TASKS = 7
"""Of the tasks of a step: those computed ahead, those at work, and all of them being stacked"""


def read_experiment(folder: Path) -> Experiment:
    """The configuration of a run folder."""
    path = folder / "config.json"
    if not path.is_file():
        raise InputError(f"{folder}: not a run folder (no config.json)")
    return from_plain(read_json(path), Experiment, str(path))


def train(
    experiment: Experiment,
    folder: Path | None,
    resume: bool = False,
    on_step: Callable[[Progress], None] | None = None,
    family: TaskFamily | None = None,
    overwrite: bool = False,
    optimizer: optax.GradientTransformation | None = None,
    given: str | None = None,
    seen: Mapping[str, Any] | None = None,
) -> Initialization:
    """Learn an initialization, or go on learning it, in a run folder.

    Args:
        experiment: the settings; with ``resume`` they must equal the folder's own.
        folder: ``config.json``, ``environment.json``, ``metrics.jsonl``, ``checkpoints/``,
            ``init.safetensors`` (the best), ``last.safetensors``. None: nothing is written.
        resume: go on in a folder that exists.
        on_step: called after every outer step.
        family: the tasks, if they are built already.
        overwrite: delete the run in the folder, once the new one is known to be able to start.
        optimizer: of the outer loop, in place of the experiment's own.
        given: a digest of signals that the settings do not describe, such as arrays; a run that
            was started with others is not resumed.
        seen: what the provenance of the initialization says of such signals.

    Returns:
        The best initialization on validation signals.
    """
    if folder and resume and (folder / "config.json").exists():
        _same_settings(experiment, folder)
        _same_signals(given, folder)
        _require_checkpoint(folder, experiment.outer)
    family = experiment.data.build() if family is None else family
    # Before anything is written: what cannot be sampled, measured or validated is refused.
    one = family.training_tasks(experiment.seed, 0, 1)
    check_tasks("outer.tasks", experiment.outer.tasks, one, _COPIES_OF_TASKS)
    tasks = family.training_tasks(experiment.seed, 0, experiment.outer.tasks)
    first = jax.tree.map(lambda leaf: leaf[0], tasks.support)
    check_shapes(experiment.forward, experiment.field, first.p, first.y)
    if experiment.meta.batch is not None:
        check_batch(experiment.meta.batch, first)
    chunk_size(
        experiment.forward, eqx.filter_eval_shape(experiment.field.build, jax.random.PRNGKey(0))
    )
    initial, validate = experiment.initial(), experiment.validator(family)
    with _alone(folder):
        if folder:
            _open(folder, experiment, overwrite, given)
        return _learned(experiment, folder, initial, family, validate, on_step, optimizer, seen)


def _learned(
    experiment: Experiment,
    folder: Path | None,
    initial: Learned,
    family: TaskFamily,
    validate: Callable[[Learned], float],
    on_step: Callable[[Progress], None] | None,
    optimizer: optax.GradientTransformation | None,
    seen: Mapping[str, Any] | None,
) -> Initialization:
    """What the outer loop finds; the best and the last are saved in the folder."""

    def keep(learned: Learned, progress: Progress, name: str = "init") -> None:
        if folder:
            described = _description(experiment, progress, family.metric, seen)
            Initialization(*learned, described).save(folder / f"{name}.safetensors")

    found = learn(
        experiment.meta, experiment.forward, initial, family, experiment.outer,
        experiment.seed, folder, validate, keep, on_step, optimizer,
    )  # fmt: skip
    keep(found.last, found.progress, "last")
    if folder:
        best = load(folder / "init.safetensors")
    else:
        described = _description(experiment, found.progress, family.metric, seen)
        best = Initialization(*found.best, described)
    losses = experiment.usual_losses(family, best.learned)
    best = replace(best, description=replace(best.description, losses=losses))
    if folder:
        best.save(folder / "init.safetensors")
    return best


def _alone(folder: Path | None) -> contextlib.AbstractContextManager[None]:
    """Keep other runs out of the folder, if there is one."""
    if folder is None:
        return contextlib.nullcontext()
    return one_at_a_time(folder, "wait until it ends, or choose another folder")


def _open(folder: Path, experiment: Experiment, overwrite: bool, given: str | None) -> None:
    """The files with which a run begins."""
    remove_leftovers(folder)
    remove_leftovers(folder / "checkpoints")
    if overwrite and (folder / "config.json").exists():
        for path in folder.iterdir():
            if path.name != LOCK:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_json(folder / "config.json", to_plain(experiment))
    origin = {} if given is None else {"signals": given}
    write_json(folder / "environment.json", environment() | origin)


def _description(
    experiment: Experiment, progress: Progress, metric: Metric, seen: Mapping[str, Any] | None
) -> Description:
    """What the initialization of a run is for, and where it comes from."""
    provenance = {
        "command": command_line(paths=False),
        "theta0": __version__,
        "commit": commit(),
        "credit": experiment.credit,
        "scale": experiment.scale,
        "init_from": experiment.init_from and Path(experiment.init_from).name,
        "meta": META_LEARNERS.name_of(type(experiment.meta)),
        "seed": experiment.seed,
        "outer_steps": progress.step,
        "seconds": round(progress.seconds),
        f"validation_{metric.name}": progress.validation_psnr,
        **(seen or {}),
    }
    return Description(
        name=experiment.name or experiment.preset,
        preset=experiment.preset,
        field=experiment.field,
        forward=experiment.forward,
        inner=experiment.meta.inner,
        data=without_folders(experiment.data),
        provenance=provenance,
    )


def _same_settings(experiment: Experiment, folder: Path) -> None:
    """Refuse to resume under other settings."""
    old = read_experiment(folder)
    if old != experiment:
        new, was = to_plain(experiment), to_plain(old)
        differ = [name for name in new if new[name] != was.get(name)]
        raise InputError(
            f"{folder}: was started with other settings ({', '.join(differ)}); resume without "
            "changing them, or give another --out"
        )


def _require_checkpoint(folder: Path, outer: OuterConfig) -> None:
    """Refuse to begin again, over what was learned, where the checkpoint is lost."""
    run = RunFiles(folder)
    if run.checkpoint.exists():
        return
    log, kept = read_log(folder, outer.steps), folder / "init.safetensors"
    done = log[-1]["step"] if log else 0
    if kept.exists():
        done = max(done, load(kept).description.provenance.get("outer_steps", 0))
    if done > outer.checkpoint_every:
        raise InputError(
            f"{run.checkpoint}: is gone, but the run had done {done} steps; put it back, or start "
            "anew: --overwrite in place of --resume"
        )


def _same_signals(given: str | None, folder: Path) -> None:
    """Refuse to resume on other arrays, which no settings tell apart."""
    path = folder / "environment.json"
    started = read_json(path).get("signals") if path.is_file() else None
    if started not in (None, given):
        raise InputError(
            f"{folder}: was started with other signals, or shares of them; resume with the same, "
            "or give another folder"
        )
