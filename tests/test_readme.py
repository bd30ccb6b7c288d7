"""What README shows runs: its Python from top to bottom, its shell commands on small inputs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from theta0.data.ct import phantom

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


COMMANDS = [
    line.partition("   #")[0].strip()
    for block in blocks("sh")
    for line in block.splitlines()
    if line.startswith("theta0 ")
]

# What would take minutes or hours runs in small; everything else as it stands.
SMALLER = {
    "theta0 train images": ["--scale", "smoke", "--outer.steps", "2", "--data.size", "16"],
    "theta0 eval": ["--signals", "1", "--tuning-signals", "1", "--steps", "0", "1"],
    "theta0 data tourist-town": ["--supersample", "1"],
    "theta0 fit town": ["--steps", "2"],
    "theta0 render": ["--frames", "2", "--size", "8"],
    "theta0 export": ["--resolution", "16", "--threshold", "1e-3"],
    "theta0 reproduce": ["--help"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readme")
    rng = np.random.default_rng(0)
    photo = Image.fromarray((255 * rng.random((6, 6, 3))).astype(np.uint8)).resize((64, 64))
    photo.save(folder / "photo.jpg")
    cut = photo.convert("RGBA")
    cut.putalpha(Image.fromarray(np.uint8(255 * (np.hypot(*np.mgrid[-32:32, -32:32]) < 20))))
    cut.save(folder / "photo.png")
    (folder / "photos").mkdir()
    for number in range(8):
        photo.rotate(40 * number).save(folder / "photos" / f"{number}.png")
    np.save(folder / "slice.npy", phantom(1, 2).rasterize(64).astype(np.float32))
    values = np.abs(np.sin(np.linspace(0, 3, 4 * 64))).reshape(4, 64) / 3
    np.savez(folder / "sinogram.npz", sinogram=values, angles_deg=[0, 45, 90, 135])
    return folder


def test_there_are_snippets():
    assert len(blocks("python")) >= 3 and len(COMMANDS) >= 12


@pytest.mark.slow
def test_the_python_of_readme_runs(folder):
    code = "\n".join(blocks("python"))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert (folder / "fits/photo/reconstruction.png").is_file()
    assert "Fitted('phantoms', steps=8" in done.stdout


def test_every_python_snippet_compiles():
    for block in blocks("python"):
        compile(block, "README", "exec")


@pytest.mark.slow
def test_the_commands_of_readme_run_in_their_order(folder):
    for command in COMMANDS:
        smaller = next((more for start, more in SMALLER.items() if command.startswith(start)), [])
        words = [word for word in shlex.split(command)[1:]]
        for option in smaller[::2]:
            if option in words:
                del words[words.index(option) : words.index(option) + 2]
        words = [word.replace("runs/images/cpu", "runs/images/smoke") for word in words]
        done = subprocess.run(
            [sys.executable, "-m", "theta0", *words, *smaller],
            cwd=folder, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stderr[-2000:]}"
