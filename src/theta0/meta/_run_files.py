"""The files of a run: its checkpoint, and its log."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import optax

from theta0.files import append_jsonl, read_jsonl, write_text
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

    def save(self, state: RunState, progress: Progress) -> None:
        if self.folder is not None:
            self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
            write(self.checkpoint, state, progress.record())

    def load(self, state: RunState, progress: Progress) -> tuple[RunState, Progress]:
        """The checkpoint, or what is given where there is none; the log ends where it does."""
        if self.folder is None:
            return state, progress
        require_readable(state)  # before hours of steps that no checkpoint could keep
        if self.checkpoint.exists():
            stored = Stored(self.checkpoint)
            state = stored.into(state)
            facts: dict[str, Any] = {name: stored.facts.get(name) for name in Progress._fields}
            progress = Progress(**facts)
        metrics = self.folder / "metrics.jsonl"
        if metrics.exists():
            # Steps after the checkpoint, or before a first one, are run, and written, again.
            lines = [line for line in read_jsonl(metrics) if line["step"] <= progress.step]
            write_text(metrics, "".join(f"{json.dumps(line)}\n" for line in lines))
        return state, progress

    def log(self, progress: Progress) -> None:
        if self.folder is not None:
            append_jsonl(self.folder / "metrics.jsonl", progress.record())
