"""theta0 reproduce: from nothing to the paper's tables and figures, and on after an interrupt."""

import json
import shutil
from dataclasses import replace

import pytest

from theta0.classic import FBP, SART, TV
from theta0.data.images import SDF, CelebA, Imagenette, Text
from theta0.inits import load
from theta0.paper import ct, run_cache
from theta0.presets import PRESETS
from theta0.signals import ImageConfig

from .conftest import IMAGES

TABLE = {
    "cache",
    "facts.json",
    "results.json",
    "signals.json",
    "table.csv",
    "table.md",
    "table.tex",
}
QUICK = ["--signals", 1, "--tuning-signals", 1]
FEW = {
    "table1": [*QUICK, "--match-steps", 2],
    "table2": QUICK,
    "figure-images": [*QUICK, "--steps", 0, 2],
    "figure-curves": [*QUICK, "--steps", 0, 2],
    "figure-training": [],
}


@pytest.fixture(scope="module", autouse=True)
def _tiny_classes():
    with pytest.MonkeyPatch.context() as patch:
        for name, source in (
            ("text", Text(6, 2, 3)), ("sdf", SDF(6, 2, 3)), ("celeba", CelebA()),
        ):  # fmt: skip
            tiny = replace(IMAGES, preset=f"image-{name}", data=ImageConfig(source, size=12))
            patch.setitem(PRESETS[f"image-{name}"], "smoke", tiny)
        yield


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def made(theta0, home, monkeypatch):
    """Makes a table or figure where those before it were made."""
    monkeypatch.chdir(home)
    return lambda name: (theta0("reproduce", name, "--scale", "smoke", *FEW[name], "--json"), home)


@pytest.mark.slow
def test_table_3_from_nothing_and_again_from_what_was_measured(theta0, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    few = {"fbp": [FBP("ramp", 0.5)], "sart": [SART(1, 0.1)], "tv": [TV(1e-3, 1)]}
    monkeypatch.setattr(ct, "METHODS", few)
    command = ["reproduce", "table3", "--scale", "smoke", *QUICK, "--steps", 2, "--views", 1, 2,
               "--objectives", "tv=1e-3", "--json"]  # fmt: skip
    done = theta0(*command)
    assert done.code == 0, done.err
    out = tmp_path / "results" / "table3"
    pictures = {f"slices-ct-phantoms-{views}.png" for views in ("1-view", "2-views")}
    assert {path.name for path in out.iterdir()} == TABLE | pictures | {"views.png"}
    rows = json.loads((out / "results.json").read_text())
    assert done.json["results"] == rows and {row["views"] for row in rows} == {1, 2}
    assert {row["init"] for row in rows} >= {"learned", "learned+tv", "standard+tv", "sart", "tv"}
    text = (out / "table.md").read_text()
    assert "early stopping" in text and "standard error" in text

    def refuse(make):
        raise AssertionError("measured again")

    monkeypatch.setattr(run_cache, "_timed", refuse)
    assert theta0(*command).json["results"] == rows


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.slow] * (name in ("table1", "table2"))) for name in FEW],
)
def test_one_command_makes_it_from_nothing(made, name):
    done, home = made(name)
    assert done.code == 0, done.err
    kind = {"figure-images": "pictures", "table2": ""}.get(name, "curves")
    figures = {f"{kind}-image-text.png", f"{kind}-image-sdf.png"} if kind else set()
    out, expected = home / "results" / name, TABLE | figures
    if name == "figure-training":  # nothing is fitted, so nothing is cached
        expected = TABLE - {"cache"} | {"minutes.png"}
    assert {path.name for path in out.iterdir()} == expected
    assert "image-celeba is left out" in done.err and "image-imagenette is left out" in done.err
    rows = json.loads((out / "results.json").read_text())
    assert done.json["results"] == rows and "psnr" not in rows[0]
    assert {row["test_class"] for row in rows} == {"image-text", "image-sdf"}
    signals = json.loads((out / "signals.json").read_text())
    assert [{k: v for k, v in row.items() if k != "psnr"} for row in signals] == rows
    facts = json.loads((out / "facts.json").read_text())
    assert facts["command"] and facts["commit"] and facts["machine"] and facts["seeds"] == [0]
    assert facts["test signals"] == [1]
    assert (facts["seconds of evaluation"] > 0) == (name != "figure-training")
    run = facts["runs"]["image-text"]
    assert (run["outer steps"], run["meta-learner"]) == (4, "maml") and run["learned by"]
    assert run["folder"] == "runs/image-text/smoke" and (home / run["folder"]).is_dir()
    assert (
        f"initialization of image-text: folder: {run['folder']}" in (out / "table.md").read_text()
    )


@pytest.mark.slow
def test_a_second_time_nothing_is_measured(made, theta0, monkeypatch):
    before, home = made("table2")
    place = home / "results" / "table2" / "table.csv"
    text = place.read_text()
    place.unlink()

    def refuse(make):
        raise AssertionError("measured again")

    with monkeypatch.context() as patch:
        patch.setattr(run_cache, "_timed", refuse)
        again, _ = made("table2")
    assert again.json["results"] == before.json["results"] and place.read_text() == text
    times = {path.name: path.stat().st_mtime_ns for path in (place.parent / "cache").iterdir()}
    anew = theta0("reproduce", "table2", "--scale", "smoke", *FEW["table2"], "--overwrite")
    assert anew.code == 0
    for path in (place.parent / "cache").iterdir():
        assert path.stat().st_mtime_ns > times.pop(path.name)
    assert not times


@pytest.mark.slow
def test_an_interrupt_is_told_how_to_go_on(made, monkeypatch, theta0, tmp_path):
    _, home = made("table2")

    def interrupt(make):
        raise KeyboardInterrupt

    monkeypatch.setattr(run_cache, "_timed", interrupt)
    run = home / "runs" / "image-text" / "smoke"
    done = theta0("reproduce", "table2", "--runs", run, *QUICK, "--out", tmp_path / "out")
    assert done.code == 1 and "the same command continues" in done.err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def run(made, tmp_path):
    """A run of the class text, to change."""
    _, home = made("table2")
    return shutil.copytree(home / "runs" / "image-text" / "smoke", tmp_path / "run")


def test_learning_is_told_of_runs_on_any_signals(theta0, run, ct_run, tmp_path):
    out = tmp_path / "out"
    done = theta0("reproduce", "figure-training", "--runs", run, ct_run, "--out", out, "--json")
    assert done.code == 0, done.err
    assert [*done.json["facts"]["runs"]] == ["image-text", "ct-phantoms"]


@pytest.mark.slow
def test_an_unfinished_run_is_finished_first(theta0, run, tmp_path):
    whole = (run / "last.safetensors").read_bytes()
    (run / "last.safetensors").unlink()
    done = theta0("reproduce", "table2", "--runs", run, *QUICK, "--out", tmp_path / "out", "--json")
    assert done.code == 0, done.err
    assert len((run / "last.safetensors").read_bytes()) == len(whole)
    assert {row["train_class"] for row in done.json["results"]} == {"image-text", None}


def test_runs_that_cannot_be_used_are_refused(refused, run, ct_run, images_run, tmp_path):
    refused("a folder, but no run", "reproduce", "table1", "--runs", tmp_path)
    refused("a run of preset ct", "reproduce", "table1", "--runs", ct_run)
    refused("given twice", "reproduce", "table1", "--runs", run, run)
    plain = json.loads((run / "config.json").read_text())
    plain["data"]["size"] = 13
    (run / "config.json").write_text(json.dumps(plain))
    refused("size 13", "reproduce", "table2", "--runs", images_run, run)


@pytest.mark.parametrize("kind", ["procedural", "pictures"])
def test_an_initialization_that_has_left_its_run_stands_for_its_class(
    kind, theta0, run, images_run, pictures, tmp_path
):
    home, data = (run, ()) if kind == "procedural" else (images_run, ("--data", pictures))
    init = shutil.copy(home / "init.safetensors", tmp_path / "some.safetensors")
    rows = [
        theta0("reproduce", "table2", *which, *QUICK, "--out", tmp_path / name, "--json").json
        for name, which in (("away", ("--runs", init, *data)), ("home", ("--runs", home)))
    ]
    timeless = lambda it: [{**row, "seconds": None} for row in it["results"]]
    assert timeless(rows[0]) == timeless(rows[1])


def test_an_initialization_without_its_run_is_refused_where_one_is_needed(refused, images_run, run):
    away = images_run / "init.safetensors"
    refused("does not come with it; say.*--data", "reproduce", "table2", "--runs", away)
    init = run / "init.safetensors"
    refused("no metrics.jsonl, the log of a run", "reproduce", "figure-training", "--runs", init)


@pytest.mark.parametrize("source", [CelebA("gone"), Imagenette("gone")])
def test_data_is_of_every_run_whose_class_has_no_option_of_its_own(
    source, refused, images_run, pictures, tmp_path
):
    init = load(images_run / "init.safetensors")
    data = replace(init.description.data, source=source)
    away = tmp_path / "away.safetensors"
    replace(init, description=replace(init.description, data=data)).save(away)
    command = ["reproduce", "table2", "--runs", away]
    refused("does not come with it", *command)
    # They are looked for there, where they are not.
    refused(f"{pictures}.*holds no", *command, "--data", pictures)
    own = f"--{type(source).__name__.lower()}"
    refused(f"{tmp_path}.*holds no", *command, "--data", pictures, own, tmp_path)


def test_an_unfinished_run_without_its_data_is_refused(refused, images_run, tmp_path):
    copy = shutil.copytree(images_run, tmp_path / "copy")
    (copy / "last.safetensors").unlink()
    plain = json.loads((copy / "config.json").read_text())
    plain["data"]["source"]["path"] = str(tmp_path / "gone")
    (copy / "config.json").write_text(json.dumps(plain))
    refused("gone.*no such", "reproduce", "table1", "--runs", copy)


def test_a_folder_of_something_else_is_never_touched(refused, tmp_path, run):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "letter.txt").write_text("dear")
    arguments = ["reproduce", "table1", "--runs", run, "--overwrite", "--out", tmp_path / "letters"]
    refused("holds something else", *arguments)
    assert (tmp_path / "letters" / "letter.txt").read_text() == "dear"
