"""Add a kind of signal: plucked strings, sounds on a line instead of pictures on a plane.

A kind says where its signals come from (`build`), how a file of your own becomes a signal
(`read`), what judges a fit (`judge`) and what shows it (`pictures`, `files`). Nothing else asks for
the kind.

    python examples/07_your_own_signals.py        # about a minute on 2 cores
"""

import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _show import show

import theta0
from theta0.signals import stack

SIZE, SPLITS = 256, {"train": 200, "validation": 4, "test": 8}


def string(rng) -> np.ndarray:
    """A few harmonics that die away, in [0, 1]."""
    t, pitch = np.arange(SIZE) / SIZE, rng.uniform(3, 8)
    tones = [rng.normal() / k * np.sin(2 * np.pi * k * pitch * t) for k in (1, 2, 3)]
    sound = np.exp(-3 * t) * np.sum(tones, axis=0)
    return (0.5 + 0.5 * sound / np.abs(sound).max()).astype(np.float32)[:, None]


def task_of(sound: np.ndarray) -> theta0.Task:
    t = ((np.arange(SIZE) + 0.5) / SIZE).astype(np.float32)[:, None]
    return theta0.Task(theta0.Observation(t, sound), theta0.Observation(t, sound))


def snr(values, target) -> tuple[float]:
    """Signal-to-noise ratio in dB."""
    error = np.mean((np.asarray(values) - target) ** 2)
    return (float(10 * np.log10(np.var(target) / error)),)


def drawn(values) -> np.ndarray:
    """The waveform as a picture."""
    rows = np.clip(np.asarray(values)[:, 0] * 63, 0, 63).astype(int)
    return 1.0 - np.equal.outer(np.arange(64)[::-1], rows)[None, :, :, None]


@theta0.register("signals", "strings")
@dataclass(frozen=True)
class Strings(theta0.SignalConfig):
    """Sounds of plucked strings."""

    size: int = SIZE
    seed: int = 0

    def build(self):
        return StringTasks(self)

    def read(self, path, views=None, index=0):
        return StringSignal(task_of(np.load(path, allow_pickle=False)), None)

    def network(self):
        return theta0.Siren(in_size=1, out_size=1, width=32, layers=3, w0=60.0), theta0.Points()


class StringTasks(theta0.TaskFamily):
    metric = theta0.Metric("snr", "SNR", "dB")

    def __init__(self, config: Strings):
        self.config = config

    def size(self, split):
        return SPLITS[split]

    def training_tasks(self, seed, step, count):
        rng = np.random.default_rng((self.config.seed, seed, step))
        return stack([task_of(string(rng)) for _ in range(count)])

    def held_out(self, split, index, views=None):
        rng = np.random.default_rng((self.config.seed, len(split), index))
        return task_of(string(rng))

    def mean_signal(self):
        tasks = self.training_tasks(0, 0, 100)
        return theta0.Observation(tasks.query.p[0], tasks.query.y.mean(axis=0))

    def pictures(self, values):
        return drawn(values)

    def judge(self, values, task):
        return snr(values, task.query.y)


class StringSignal(theta0.Signal):
    def pictures(self, values):
        return drawn(values)

    def judge(self, values):
        return {"snr": snr(values, self.target)[0]}

    def files(self, field, forward, size=None, region=None):
        buffer, values = io.BytesIO(), self.predicted(forward, field)
        with wave.open(buffer, "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", ""))
            sound.writeframes((np.clip(2 * values - 1, -1, 1) * 32767).astype("<i2").tobytes())
        return {"reconstruction.wav": buffer.getvalue()}


def write(folder: Path) -> Path:
    np.save(folder / "sound.npy", string(np.random.default_rng(99)))
    return folder / "sound.npy"


def main() -> None:
    meta = theta0.MetaSGD(steps=3, rule=theta0.StepSizes(0.01, "layer"))
    outer = theta0.OuterConfig(lr=1e-3, rule_lr=1e-3, steps=600, tasks=4, clip=1.0)
    show(__file__, theta0.learn(Strings(), meta, outer=outer), Strings(), write, steps=3)


if __name__ == "__main__":
    main()
