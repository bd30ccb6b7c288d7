"""A kind of signal that theta0 knows nothing of, sounds on a line, defined in this file alone.

It is learned, saved, loaded, fitted from Python and the command line, and judged against the four
baselines; this file is also the plug-in that the command line loads.
"""

import io
import json
import subprocess
import sys
import wave
from dataclasses import dataclass

import numpy as np
import pytest

import theta0
from theta0.signals import stack

SIZE, COUNTS = 64, {"train": 40, "validation": 2, "test": 4}
PLACES = ((np.arange(SIZE) + 0.5) / SIZE).astype(np.float32)[:, None]


def sound(rng):
    """A tone that dies away, in [0, 1]."""
    wave = np.exp(-2 * PLACES) * np.sin(2 * np.pi * rng.uniform(1.5, 3) * PLACES)
    return (0.5 + rng.uniform(0.2, 0.5) * wave).astype(np.float32)


def task_of(values):
    observed = theta0.Observation(PLACES, values)
    return theta0.Task(observed, observed)


def snr(values, target):
    return float(10 * np.log10(np.var(target) / np.mean((np.asarray(values) - target) ** 2)))


def drawn(values):
    rows = np.clip(np.asarray(values)[:, 0] * 31, 0, 31).astype(int)
    return 1.0 - np.equal.outer(np.arange(32)[::-1], rows)[None, :, :, None]


@theta0.register("signals", "test-audio")
@dataclass(frozen=True)
class Audio(theta0.SignalConfig):
    """Sounds; one of one's own is a .npy file of samples."""

    noun = "sounds"
    size: int = SIZE

    def build(self):
        return AudioTasks()

    def read(self, path, views=None, index=0):
        return AudioSignal(task_of(np.load(path, allow_pickle=False)[:, None]), None)

    def take(self, values, views=None):
        return AudioSignal(task_of(np.asarray(values, np.float32)[:, None]), None)

    def network(self):
        return theta0.Siren(in_size=1, out_size=1, width=16, layers=3, w0=30.0), theta0.Points()


class AudioTasks(theta0.TaskFamily):
    """Tasks from sounds."""

    metric = theta0.Metric("snr", "SNR", "dB")

    def size(self, split):
        return COUNTS[split]

    def training_tasks(self, seed, step, count):
        rng = np.random.default_rng((seed, step))
        return stack([task_of(sound(rng)) for _ in range(count)])

    def held_out(self, split, index, views=None):
        return task_of(sound(np.random.default_rng((len(split), index))))

    def mean_signal(self):
        tasks = self.training_tasks(0, 0, 50)
        return theta0.Observation(PLACES, tasks.query.y.mean(axis=0))

    def pictures(self, values):
        return drawn(values)

    def judge(self, values, task):
        return (snr(values, task.query.y),)


class AudioSignal(theta0.Signal):
    """A sound ready to fit."""

    def pictures(self, values):
        return drawn(values)

    def judge(self, values):
        return {"snr": snr(values, self.target)}

    def files(self, field, forward, size=None, region=None):
        buffer, values = io.BytesIO(), self.predicted(forward, field)
        with wave.open(buffer, "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes((np.clip(2 * values - 1, -1, 1) * 32767).astype("<i2").tobytes())
        return {"reconstruction.wav": buffer.getvalue()}


@pytest.fixture(scope="module")
def learned():
    meta = theta0.MetaSGD(steps=2, rule=theta0.StepSizes(0.01))
    outer = theta0.OuterConfig(lr=2e-3, rule_lr=1e-3, steps=150, tasks=2, clip=1.0)
    return theta0.learn(Audio(), meta, outer=outer, name="sounds")


def test_the_family_passes_the_conformance_check():
    from theta0.conformance import check_family

    check_family(AudioTasks())


@pytest.mark.slow
def test_it_is_learned_saved_loaded_and_fitted(learned, tmp_path):
    learned.save(tmp_path / "sounds.safetensors")
    again = theta0.load(tmp_path / "sounds.safetensors")
    assert isinstance(again.description.data, Audio)
    values = sound(np.random.default_rng(5))[:, 0]
    fit = again.fit(values, steps=2)
    assert fit.psnr is None and fit.metrics["snr"] > 5  # 0 dB: the mean alone
    folder = fit.save(tmp_path / "fit")
    with wave.open(str(folder / "reconstruction.wav")) as file:
        assert file.getnframes() == SIZE
    with pytest.raises(theta0.InputError, match="no picture"):
        fit.image()


@pytest.mark.slow
def test_it_is_judged_by_its_own_metric_against_the_baselines(learned):
    found = theta0.evaluate(
        learned, Audio(), rules=(theta0.SGD(0.01), theta0.Adam(1e-3)), steps=(2,),
        test_signals=4, tuning_signals=2,
    )  # fmt: skip
    assert all(row["metric"] == "snr" and "snr_mean" in row for row in found.rows)
    scores = {name: found.best(name, 2) for name in ("standard", "mean", "matched", "shuffled")}
    assert found.best("learned", 2) > max(scores.values()) + 2
    assert "SNR" in str(found) or "snr" in str(found)


@pytest.mark.slow
def test_it_is_fitted_from_the_command_line(learned, tmp_path):
    learned.save(tmp_path / "sounds.safetensors")
    np.save(tmp_path / "sound.npy", sound(np.random.default_rng(5))[:, 0])

    def run(*words):
        command = [sys.executable, "-m", "theta0", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)

    words = ("fit", "sounds.safetensors", "sound.npy", "--steps", "2", "--out", "fit", "--json")
    done = run("--plugin", __file__, *words)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["steps"][-1]["snr"] > 5
    assert (tmp_path / "fit" / "reconstruction.wav").is_file()
    assert (tmp_path / "fit" / "strip.png").is_file()
    refused = run(*words)
    assert refused.returncode == 2 and "test-audio" in refused.stderr
    assert "--plugin FILE.py" in refused.stderr and "Traceback" not in refused.stderr
    wrong = run("--plugin", __file__, *words, "--size", "64")
    assert wrong.returncode == 2 and "--size" in wrong.stderr
