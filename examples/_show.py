"""What the last five examples have in common: a part of your own, from learning to judging."""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import theta0


def show(plugin: str, init: theta0.LearnedInitialization, signals, write, steps=2, **judged):
    """Save, load, fit in Python and on the command line, and judge against the baselines.

    Args:
        plugin: the file that registers the part.
        init: an initialization that was learned with it.
        signals: of the class it was learned on.
        write: called with a folder; writes a signal and returns its path.
        steps: inner steps of the fits.
        judged: further arguments of `theta0.evaluate`.
    """
    with TemporaryDirectory() as folder:
        file, signal = Path(folder, "own.safetensors"), str(write(Path(folder)))
        init.save(file)
        print("in Python:", theta0.load(file).fit(signal, steps=steps), flush=True)
        words = ["--plugin", plugin, "fit", str(file), signal, "--steps", str(steps)]
        command = [sys.executable, "-m", "theta0", *words, "--out", str(Path(folder, "fit"))]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True)
        (line,) = (line for line in done.stderr.splitlines() if " after " in line)
        print("on the command line:", line)
    found = theta0.evaluate(
        init, signals, steps=(steps,), test_signals=8, tuning_signals=2, **judged
    )
    for name in ("learned", "standard", "mean", "matched", "shuffled"):
        print(f"{name:9s} {found.best(name, steps):6.2f} dB after {steps} steps")


def picture_of(signals: theta0.SignalConfig):
    """Writes the first test picture of a class as a PNG file."""
    from PIL import Image

    family = signals.build()
    picture = family.pictures(family.held_out("test", 0).query.y)[0]

    def write(folder: Path) -> Path:
        Image.fromarray((255 * picture).round().astype("uint8")).save(folder / "signal.png")
        return folder / "signal.png"

    return write
