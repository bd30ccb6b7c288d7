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
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def numbers(pattern: str, output: str) -> list[float]:
    return [float(number) for number in re.findall(pattern, output)]


def test_every_example_is_tested_here_and_short():
    source = Path(__file__).read_text()
    names = sorted(path.name for path in EXAMPLES.glob("*.py"))
    assert names[0].startswith("00_")
    for name in names:
        assert f'run("{name}"' in source, f"{name} has no test"
        assert len((EXAMPLES / name).read_text().splitlines()) <= 60, name


@pytest.mark.slow
def test_a_fit_of_an_image_passes_40_db():
    psnr = numbers(r"([\d.]+) dB", run("00_fit_an_image.py"))
    assert psnr == sorted(psnr) and len(psnr) == 4
    assert psnr[0] < 15  # a fresh network shows grey
    assert psnr[-1] > 40  # 47.9 when written


@pytest.mark.slow
def test_a_learned_initialization_beats_a_standard_one_by_2_db():
    output = run("01_learn_an_initialization.py")
    (learned,) = numbers(r"learned .* ([\d.]+) dB", output)
    (standard,) = numbers(r"standard .* ([\d.]+) dB", output)
    assert learned > 16.5  # 17.8 when written
    assert learned > standard + 2  # 4.6 when written


@pytest.mark.slow
def test_a_meta_gradient_of_ones_own_passes_the_check_and_learns():
    output = run("02_your_own_meta_gradient.py")
    assert "check_meta_gradient: passed" in output
    ((learned,), (standard,)) = (
        numbers(rf"{name} .* ([\d.]+) after", output) for name in ("learned", "standard")
    )
    assert learned < standard / 5  # a fortieth when written


@pytest.mark.slow
def test_a_forward_map_of_ones_own_sees_finer_than_points():
    areas, points = numbers(r"([\d.]+) dB", run("03_your_own_forward_map.py"))
    assert areas > 20.5
    assert areas > points + 0.3  # 1.0 when written


def test_a_rendered_ball_has_the_opacity_of_its_closed_form(tmp_path):
    out = tmp_path / "ball.png"
    output = run("04_render_a_volume.py", str(out))
    found, exact = numbers(r"0\.\d+", output)
    # 128 samples on two units of length: the ball's edge is found to one sample, 3/64 of optical
    # thickness at a transparency of 0.05.
    assert abs(found - exact) < 0.0025
    picture = np.asarray(Image.open(out))
    assert picture.shape[2] == 3
    assert (picture[0, 0] == 255).all()  # nothing but the white background in a corner
