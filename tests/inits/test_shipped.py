"""Finding an initialization by name, file or run folder, and those that come with the package."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from theta0.data.views import ProceduralObjects
from theta0.errors import InputError
from theta0.fields import Siren
from theta0.forward import Points, predict
from theta0.inits import Description, Initialization, find, shipped
from theta0.inner import InnerConfig, fit
from theta0.metrics import psnr
from theta0.signals import ImageConfig, SignalConfig, ViewConfig
from theta0.store import Stored

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture
def path(tmp_path):
    description = Description(
        "stripes", "images", Siren(width=6, layers=3), Points(), InnerConfig(), ImageConfig()
    )
    field = description.field.build(jax.random.PRNGKey(1))
    rule = description.inner.rule.build(field)
    Initialization(field, rule, description).save(tmp_path / "init.safetensors")
    return tmp_path / "init.safetensors"


def test_finding_by_name_file_and_run_folder(path, tmp_path):
    assert find(str(path)).description.name == "stripes"
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(InputError, match="a folder, but no run"):
        find(str(run))
    (run / "config.json").write_text("{}")
    with pytest.raises(InputError, match=r"without init\.safetensors"):
        find(str(run))
    path.rename(run / "init.safetensors")
    assert find(str(run)).description.name == "stripes"
    with pytest.raises(InputError, match="no such file"):
        find(str(path))
    with pytest.raises(InputError, match="neither a file, a run folder, nor a shipped"):
        find("nobody")


def test_a_folder_of_pictures_does_not_hide_a_shipped_initialization(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "phantoms").mkdir()
    assert find("phantoms").description.name == "phantoms"


def test_what_is_shipped_loads_says_where_it_comes_from_and_is_small():
    counts = ("one-view", "two-views", "four-views", "eight-views")
    phantoms = {"phantoms", *(f"phantoms-{count}" for count in counts)}
    assert set(shipped()) == phantoms | {"chair", "faces", "sdf", "text", "town", "town-halves"}
    for name, path in shipped().items():
        description = find(name).description
        told = description.provenance
        assert told["command"].startswith("theta0 train") and told["commit"]
        assert told["credit"] or description.data.path is None, name  # or made by a procedure
        assert "/" not in json.dumps(Stored(path).facts["description"]["data"]), name
        assert path.stat().st_size < 1_500_000


def mean_psnr(name: str, views: int | None = None, data: SignalConfig | None = None) -> float:
    """Of the first four unseen signals of the class of a shipped one, fitted as it was learned."""
    init = find(name)
    told = init.description
    family = (data or told.data).build()
    values = []
    for index in range(4):
        task, key = family.held_out("test", index, views), jax.random.PRNGKey(index)
        loop = told.inner.build()
        fitted = fit(told.forward, *init.learned, task.support, loop, key).field
        seen_by = family.query_forward or told.forward
        values.append(psnr(predict(seen_by, fitted, task.query.p), task.query.y))
    return float(np.mean(values))


@pytest.mark.parametrize(
    "name, views, least",
    [
        ("phantoms-one-view", 1, 16.2),
        *(
            pytest.param(*values, marks=pytest.mark.slow)
            for values in [
                ("phantoms", 4, 21.5),
                ("phantoms-eight-views", 8, 23.0),
                ("phantoms-four-views", 4, 22.5),
                ("phantoms-two-views", 2, 19.0),
            ]
        ),
    ],
)
def test_a_shipped_initialization_reconstructs_phantoms_from_few_views(name, views, least):
    # 22.8, 24.7, 24.2, 20.3 and 17.1 dB on validation phantoms when they were learned; a random
    # one shows 12 dB after 8 steps.
    assert mean_psnr(name, views=views) > least


@pytest.mark.slow
@pytest.mark.parametrize("name, least", [("text", 19), ("sdf", 33)])
def test_a_shipped_initialization_shows_unseen_pictures_of_its_class_after_two_steps(name, least):
    # 21.5 and 36.6 dB on validation pictures when they were learned.
    assert mean_psnr(name) > least


@pytest.mark.slow
@pytest.mark.parametrize("name, least", [("town", 20), ("town-halves", 21.5)])
def test_a_shipped_initialization_takes_on_the_light_of_half_a_photograph(name, least):
    # 24.1 and 24.6 dB on right halves of validation photographs when they were learned.
    assert mean_psnr(name) > least


@pytest.mark.slow
def test_a_shipped_initialization_shows_a_chair_of_another_kind_from_behind():
    """Chairs of boxes, made by a procedure: random weights show 10 to 12 dB from one view."""
    data = find("chair").description.data
    assert isinstance(data, ViewConfig)
    boxes = dataclasses.replace(data, source=ProceduralObjects(), held_out_views=3)
    assert mean_psnr("chair", views=1, data=boxes) > 13.5
