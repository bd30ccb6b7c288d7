"""Every example runs as its docstring says, and the numbers it prints are in its promised range."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(pattern: str, output: str) -> list[float]:
    return [float(number) for number in re.findall(pattern, output)]


# Parts of one's own that are registered: lines at most, and dB by which what is learned is better
# than every baseline, about half of what it was when written.
PARTS = {
    "03_your_own_network.py": (70, 2.5),
    "04_your_own_forward_map.py": (60, 6.5),
    "05_your_own_meta_learner.py": (70, 2.8),
    "06_your_own_update_rule.py": (70, 5.5),
    "07_your_own_signals.py": (125, 10.0),
}


def test_every_example_is_tested_here_and_short():
    source = Path(__file__).read_text()
    names = sorted(path.name for path in EXAMPLES.glob("[0-9]*.py"))
    assert [name[:2] for name in names] == [f"{number:02d}" for number in range(len(names))]
    for name in names:
        assert f'run("{name}"' in source or name in PARTS, f"{name} has no test"
        assert len((EXAMPLES / name).read_text().splitlines()) <= PARTS.get(name, (60,))[0], name


@pytest.mark.slow
def test_a_fit_of_an_image_passes_40_db():
    psnr = numbers(r"([\d.]+) dB", run("00_fit_an_image.py"))
    assert psnr == sorted(psnr) and len(psnr) == 4
    assert psnr[0] < 15  # a fresh network shows grey
    assert psnr[-1] > 40  # 47.9 when written


@pytest.mark.slow
def test_a_learned_initialization_beats_random_weights_by_2_db():
    output = run("01_learn_an_initialization.py")
    (learned,) = numbers(r"learned .* ([\d.]+) dB", output)
    (standard,) = numbers(r"standard .* ([\d.]+) dB", output)
    assert learned > 16.5  # 17.8 when written
    assert learned > standard + 2  # 4.6 when written


@pytest.mark.slow
def test_a_rendered_ball_has_the_opacity_of_its_closed_form(tmp_path):
    out = tmp_path / "ball.png"
    output = run("02_render_a_volume.py", str(out))
    found, exact = numbers(r"0\.\d+", output)
    # 128 samples on two units of length: the ball's edge is found to one sample, 3/64 of optical
    # thickness at a transparency of 0.05.
    assert abs(found - exact) < 0.0025
    picture = np.asarray(Image.open(out))
    assert picture.shape[2] == 3
    assert (picture[0, 0] == 255).all()  # nothing but the white background in a corner


@pytest.mark.slow
@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_ones_own_is_saved_loaded_named_and_better_than_the_baselines(name):
    output = run(name)
    # What Python fits, the command line fits: PSNR or SNR, rounded to what both print.
    (python,) = numbers(r"in Python: .*(?:psnr|snr)=([\d.]+)", output)
    (command,) = numbers(r"on the command line: \S+: (?:snr )?([\d.]+)", output)
    assert python == pytest.approx(command, abs=0.011)
    scores = dict(re.findall(r"^(\w+) +([\d.]+) dB after", output, re.M))
    assert set(scores) == {"learned", "standard", "mean", "matched", "shuffled"}
    learned = float(scores.pop("learned"))
    assert learned > max(map(float, scores.values())) + PARTS[name][1]
