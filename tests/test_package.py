"""The package as it is built and installed: complete, without junk, and working at its bounds."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SOURCES = {
    path.relative_to(ROOT / "src").as_posix()
    for path in (ROOT / "src" / "theta0").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The names in the wheel and in the source distribution, built without the index."""
    pytest.importorskip("hatchling", reason="hatchling builds the package: pip install hatchling")
    out = tmp_path_factory.mktemp("dist")
    code = (
        "import sys; from hatchling.build import build_sdist, build_wheel; "
        "build_wheel(sys.argv[1]); build_sdist(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", code, str(out)], cwd=ROOT, check=True)
    (wheel,), (source,) = out.glob("*.whl"), out.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        files = [member.name.partition("/")[2] for member in archive if member.isfile()]
    return zipfile.ZipFile(wheel).namelist(), files


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(built):
    names = {name for name in built[0] if ".dist-info/" not in name}
    assert names == SOURCES
    assert {"theta0/py.typed", "theta0/__init__.pyi"} <= names
    assert "theta0/inits/shipped/faces.safetensors" in names


def test_the_wheel_holds_its_licence_and_its_command(built):
    facts = {name.split(".dist-info/")[1] for name in built[0] if ".dist-info/" in name}
    assert {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"} <= facts


def test_the_source_distribution_holds_what_builds_and_tests_it(built):
    files = set(built[1])
    assert {f"src/{name}" for name in SOURCES} <= files
    assert {"pyproject.toml", "README.md", "LICENSE", "Makefile", "tests/test_package.py"} <= files
    tops = {"src", "tests", "examples", "benchmarks"}
    assert {name.split("/")[0] for name in files if "/" in name} <= tops
    assert not [name for name in files if "__pycache__" in name or name.endswith((".pyc", ".tmp"))]


def lowest(requirement: str) -> str:
    """The requirement at its lower bound."""
    assert re.fullmatch(r"[\w-]+>=[\d.]+", requirement), f"{requirement}: give a lower bound"
    return requirement.replace(">=", "==")


def test_every_requirement_has_a_lower_bound():
    assert all(map(lowest, PROJECT["project"]["dependencies"]))


SMOKE = """
import sys, theta0
from theta0.cli import run

assert run(["--version"]) == 0
assert run(["fit", "faces", sys.argv[1], "--steps", "2", "--out", sys.argv[2]]) == 0
"""


@pytest.mark.slow
def test_the_lower_bounds_install_together_and_work(tmp_path):
    """In an environment of its own, of the oldest releases that are allowed."""
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    bounds = [lowest(requirement) for requirement in PROJECT["project"]["dependencies"]]
    install = [str(python), "-m", "pip", "install", "-q", "--no-compile", str(ROOT), *bounds]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode and "from versions: none" in done.stderr:
        pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    Image.fromarray(np.arange(432, dtype=np.uint8).reshape(12, 12, 3)).save(tmp_path / "a.png")
    # Isolated: the sources of this checkout must not stand in for what was installed.
    words = ["-I", "-c", SMOKE, str(tmp_path / "a.png"), str(tmp_path / "out")]
    done = subprocess.run([str(python), *words], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "reconstruction.png").is_file()
