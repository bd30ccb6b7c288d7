"""The command line run in this process, and one tiny run of each preset to use it on."""

import json
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from theta0.cli import run
from theta0.data.images import Folder
from theta0.data.views import ProceduralObjects, write_views
from theta0.evaluation import Protocol
from theta0.fields import Fourier, Positional, Siren
from theta0.forward import Lines, Points, Volume
from theta0.inner import SGD, Adam, InnerConfig
from theta0.meta import MAML, OuterConfig, Reptile
from theta0.presets import PRESETS, Experiment
from theta0.signals import CTConfig, ImageConfig, Phantoms, SliceFile, ViewConfig

CT = Experiment(
    preset="ct-phantoms",
    scale="smoke",
    data=CTConfig(
        Phantoms(train=8, validation=2, test=3), size=12, rays=8, training_views=2, query_pixels=16
    ),
    field=Fourier(width=8, layers=2, features=4, bandwidth=8.0),
    forward=Lines(samples=4, reduce="sum"),
    meta=MAML(steps=2, rule=SGD(0.5), batch=8),
    # A constant rate: with a schedule, another number of steps would be another program.
    outer=OuterConfig(
        1e-3, "constant", 4, validate_every=2, validation_signals=1, checkpoint_every=1
    ),
    protocol=Protocol(
        (0, 1, 2), (SGD(0.1), SGD(0.3), Adam(1e-3)), tuning_signals=1, signals=2, views=2
    ),
    baseline=InnerConfig(Adam(1e-3), 3),
)
IMAGES = replace(
    CT,
    preset="images",
    data=ImageConfig(Folder(validation=2, test=3), size=12),
    field=Siren(width=8, layers=2, w0=10.0),
    forward=Points(),
    meta=MAML(steps=2, rule=SGD(0.01)),
    protocol=replace(CT.protocol, views=None),
)
VIEWS = replace(
    CT,
    preset="view-chair",
    data=ViewConfig(
        ProceduralObjects(4, 1, 1), size=12, training_views=3, rays=64, first_held_out=4,
        held_out_views=3, validation_views=1,
    ),
    field=Positional(width=8, layers=2, bands=2, max_exponent=1.0),
    forward=Volume(samples=4, density="softplus"),
    meta=Reptile(steps=2, rule=SGD(0.1), batch=32),
    protocol=replace(CT.protocol, views=1),
)  # fmt: skip


@pytest.fixture(scope="session")
def tiny(quickly):
    """A context in which the smoke presets are very small, and all that runs compiles quickly.

    These tests ask what the commands do, not how well.
    """
    scans = replace(
        CT, preset="ct-scans", data=replace(CT.data, source=SliceFile(validation=2, test=3))
    )
    presets = {"ct-phantoms": CT, "ct-scans": scans, "images": IMAGES, "view-chair": VIEWS}

    @contextmanager
    def context():
        with pytest.MonkeyPatch.context() as patch, quickly():
            for name, experiment in presets.items():
                patch.setitem(PRESETS[name], "smoke", experiment)
            yield

    return context


# Of the module, not of the package, whose end comes after modules elsewhere have run.
@pytest.fixture(scope="module", autouse=True)
def _tiny(tiny):
    """So are all tests of the module."""
    with tiny():
        yield


@dataclass(frozen=True)
class Done:
    """What a command left behind: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The object on the last line of stdout, by a reader as strict as JSON itself."""

        def refuse(word):
            raise AssertionError(f"{word} is not JSON")

        return json.loads(self.out.splitlines()[-1], parse_constant=refuse)


@pytest.fixture
def theta0(capsys):
    """Run a command line."""

    def call(*argv) -> Done:
        capsys.readouterr()
        code = run([str(argument) for argument in argv])
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture
def refused(theta0, tmp_path, monkeypatch):
    """Run a command line in an empty folder; it must fail with one line and leave nothing."""
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def call(words: str, *argv, code: int = 2) -> Done:
        done = theta0(*argv, "--json")
        errors = [line for line in done.err.splitlines() if line.startswith("theta0: error: ")]
        assert done.code == code, done.err
        assert len(errors) == 1 and done.err.endswith(errors[0] + "\n"), done.err
        assert re.search(words, errors[0]), errors[0]
        assert "Traceback" not in done.err and "─" not in done.err
        told = {name: of for name, of in done.json.items() if name != "warnings"}
        assert told == {"error": errors[0].removeprefix("theta0: error: ")}
        assert list(here.iterdir()) == []
        return done

    return call


def draw(path: Path, height: int, width: int, seed: int = 0) -> Path:
    """A smooth picture in colour."""
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    phase = 3.0 * seed
    channels = [np.sin(6 * rows + phase), np.cos(5 * columns + phase), np.sin(9 * rows * columns)]
    pixels = np.round(127.5 + 127.5 * np.stack(channels, axis=-1)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture(scope="package")
def pictures(tmp_path_factory) -> Path:
    """A folder of twelve pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(12):
        draw(folder / f"{seed:02d}.png", 14, 16, seed)
    return folder


@pytest.fixture(scope="package")
def photo(tmp_path_factory) -> Path:
    """A picture 20 pixels high and 24 wide, with a name that needs care."""
    return draw(tmp_path_factory.mktemp("photo") / "mein Foto äöü 写真.png", 20, 24, 99)


@pytest.fixture(scope="package")
def slice_file(tmp_path_factory) -> Path:
    """A CT slice of 16 x 16 pixels."""
    from theta0.data.ct import phantom

    path = tmp_path_factory.mktemp("slice") / "slice.npy"
    np.save(path, phantom(5, 0).rasterize(16))
    return path


@pytest.fixture(scope="package")
def ct_run(tmp_path_factory, tiny) -> Path:
    """A finished run of the CT preset; tests must not change it."""
    out = tmp_path_factory.mktemp("runs") / "ct"
    with tiny():
        assert run(["train", "ct-phantoms", "--scale", "smoke", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="package")
def images_run(tmp_path_factory, pictures, tiny) -> Path:
    """A finished run of the image preset; tests must not change it."""
    out = tmp_path_factory.mktemp("runs") / "images"
    command = ["train", "images", "--scale", "smoke", "--data", str(pictures), "--out", str(out)]
    with tiny():
        assert run(command) == 0
    return out


@pytest.fixture(scope="package")
def view_run(tmp_path_factory, tiny) -> Path:
    """A finished run of the preset for objects; tests must not change it."""
    out = tmp_path_factory.mktemp("runs") / "views"
    with tiny():
        assert run(["train", "view-chair", "--scale", "smoke", "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="package")
def chair(tmp_path_factory) -> Path:
    """A folder of six views of 24 x 24 pixels of an object that is not of the run."""
    drawn = ProceduralObjects(8, 0, 0, size=24, views=6).read()
    return write_views(drawn.load(7), tmp_path_factory.mktemp("objects") / "chair")


@pytest.fixture(scope="package")
def chair_fit(tmp_path_factory, view_run, chair, tiny) -> Path:
    """The chair fitted to two of its views; tests must not change it."""
    out = tmp_path_factory.mktemp("fits") / "chair"
    with tiny():
        command = ["fit", view_run, chair, "--views", 2, "--steps", 3, "--out", out]
        assert run([str(word) for word in command]) == 0
    return out


@pytest.fixture
def copied(ct_run, tmp_path) -> Path:
    """A copy of the finished CT run, to change."""
    return Path(shutil.copytree(ct_run, tmp_path / "copied"))
