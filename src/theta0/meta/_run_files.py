"""The files of a run: its checkpoint, and its log."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import optax

from theta0.errors import InputError, note
from theta0.files import append_jsonl, read_jsonl, sync, write_text
from theta0.store import Stored, require_readable, write

from ._base import Learned


class Progress(NamedTuple):
    """One outer step, as told to the caller and written to ``metrics.jsonl``."""

    step: int
    """steps done"""
    loss: float
    """mean meta-training loss of the step"""
    seconds: float
    """training time so far, validation included, pauses between runs not"""
    validation_psnr: float | None
    """dB on validation signals, where validated"""
    best_psnr: float | None
    """best so far"""

    def record(self) -> dict[str, Any]:
        """The line for ``metrics.jsonl``."""
        return {key: value for key, value in self._asdict().items() if value is not None}


class RunState(eqx.Module):
    """Everything a checkpoint holds besides its facts."""

    learned: Learned
    best: Learned
    optimizer_state: optax.OptState
    meta_state: Any


class RunFiles:
    """A run folder, or nothing where no folder is given."""

    def __init__(self, folder: Path | None):
        self.folder = folder

    @property
    def checkpoint(self) -> Path:
        assert self.folder is not None
        return self.folder / "checkpoints" / "last.safetensors"

    @property
    def metrics(self) -> Path:
        assert self.folder is not None
        return self.folder / "metrics.jsonl"

    def save(self, state: RunState, progress: Progress) -> None:
        """Write the checkpoint."""
        if self.folder is not None:
            self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
            sync(self.metrics)  # before a checkpoint that says its steps are done
            write(self.checkpoint, state, progress.record())

    def load(self, state: RunState, progress: Progress, steps: int) -> tuple[RunState, Progress]:
        """The checkpoint, or what is given where there is none; the log ends where it does."""
        if self.folder is None:
            return state, progress
        require_readable(state)  # before hours of steps that no checkpoint could keep
        if self.checkpoint.exists():
            stored = Stored(self.checkpoint)
            state, progress = stored.into(state), _progress(stored, steps)
        if self.metrics.exists() or progress.step:
            # Steps after the checkpoint, or before a first one, are run, and written, again.
            lines = [line for line in read_log(self.folder, steps) if line["step"] <= progress.step]
            write_text(self.metrics, "".join(f"{json.dumps(line)}\n" for line in lines))
        return state, progress

    def log(self, progress: Progress) -> None:
        """Add a step to the log."""
        if self.folder is not None:
            append_jsonl(self.metrics, progress.record())


def read_log(folder: Path, steps: int) -> list[dict[str, Any]]:
    """The log of a run, a record for each step as :meth:`Progress.record` gives it.

    Where it ends before the checkpoint, because it was lost or emptied, the checkpoint's own record
    is its last.

    Args:
        folder: of the run.
        steps: outer steps of the run.

    Raises:
        InputError: log or checkpoint hold what no run writes; the message names the file.
    """
    run, last = RunFiles(folder), 0
    records = read_jsonl(run.metrics)
    for number, record in enumerate(records, start=1):
        wrong = _wrong(record, steps)
        if wrong is None and record["step"] <= last:
            wrong = f"step is {record['step']} after {last}"
        if wrong is not None:
            raise InputError(
                f"{run.metrics}, record {number}: {wrong}; it is damaged: delete the file, and "
                "theta0 train --resume goes on from the checkpoint"
            )
        last = record["step"]
    if len(records) < last:
        note(f"{run.metrics}: {last - len(records)} of the first {last} steps are missing")
    if run.checkpoint.exists() and (done := _progress(Stored(run.checkpoint), steps)).step > last:
        note(f"{run.metrics}: ends at step {last}, the checkpoint is of step {done.step}")
        records.append(done.record())
    return records


def _progress(stored: Stored, steps: int) -> Progress:
    """How far a checkpoint is.

    Raises:
        InputError: it says what cannot be.
    """
    facts: dict[str, Any] = {name: stored.facts.get(name) for name in Progress._fields}
    if (wrong := _wrong(facts, steps)) is not None:
        raise InputError(
            f"{stored.path}: {wrong}; it is damaged, or of another run: start the run anew"
        )
    return Progress(**facts)


def _wrong(facts: dict[str, Any], steps: int) -> str | None:
    """What is wrong with the facts of a step; None if nothing is."""
    step = facts.get("step")
    if type(step) is not int or not 0 < step <= steps:
        return f"step is {_shown(step)}, not a whole number from 1 to {steps}"
    for name in Progress._fields[1:]:
        value, needed = facts.get(name), name in ("loss", "seconds")
        if not (_is_finite(value) or (value is None and not needed)):
            return f"{name} is {_shown(value)}, not a finite number"
    return None


def _is_finite(value: Any) -> bool:
    # A whole number of JSON may be too long for a float.
    return type(value) in (int, float) and abs(value) < 1e300 and math.isfinite(value)


def _shown(value: Any) -> str:
    return "missing" if value is None else f"{value!r:.40}"
