"""Batches of rendered objects: splits, credits, variants, broken meshes, and resuming."""

import csv
import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from theta0.data import split
from theta0.data.meshes import RenderConfig, find_meshes, render_views
from theta0.data.meshes._rendered import plan_splits
from theta0.data.views import read_objects, read_views
from theta0.errors import InputError

from .mesh_files import write_box

pytest.importorskip("trimesh", reason="trimesh is not installed")
pytest.importorskip("mitsuba", reason="mitsuba is not installed")

MODULE = sys.modules[RenderConfig.__module__]
TINY = RenderConfig(views=2, size=8, samples=1)


@pytest.fixture
def meshes(tmp_path):
    """Five boxes of one class."""
    for number in range(5):
        write_box(tmp_path / f"boxes/b{number}.ply", (1, 2, 1 + number), (200, 40 * number, 0))
    return tmp_path / "boxes"


def contents(folder):
    """Digest of every file, by its name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_views_are_written_for_the_readers_of_views(meshes, tmp_path):
    config = RenderConfig(views=3, size=16, samples=4, distance=3.0)
    rendered = render_views(find_meshes(meshes), tmp_path / "out", config, validation=1, test=1)
    assert (rendered.new, rendered.kept, rendered.skipped) == (5, 0, ())
    views = read_views(tmp_path / "out/boxes/b3")
    assert views.images.shape == (3, 16, 16, 4) and views.depth.shape == (3, 16, 16)
    for seen_by in views.cameras:
        assert np.linalg.norm(seen_by.position) == pytest.approx(3)
        assert seen_by.fov_x_deg == pytest.approx(2 * np.rad2deg(np.arcsin(1 / 3)))
    # Where the object fills a pixel its depth is known, and within the unit sphere.
    solid = views.images[..., 3] == 255
    assert solid.any() and (np.abs(views.depth[solid] - 3) <= 1.001).all()
    assert np.isinf(views.depth[views.images[..., 3] == 0]).all()


def test_splits_are_those_of_the_names_and_the_seed(meshes, tmp_path):
    objects = find_meshes(meshes)
    for seed in (0, 1):
        out = tmp_path / f"out{seed}"
        config = RenderConfig(views=1, size=8, samples=1, seed=seed)
        rendered = render_views(objects, out, config, validation=1, test=0.4)
        stored = json.loads((out / "boxes_splits.json").read_text())
        assert {part: tuple(names) for part, names in stored.items()} == rendered.classes["boxes"]
        names = [f"b{number}" for number in range(5)]
        expected = split([f"{seed}:{name}" for name in names], 1, 0.4)
        assert stored["test"] == sorted(names[number] for number in expected.test)
        assert stored["val"] == [names[number] for number in expected.validation]
        assert [len(stored[part]) for part in ("train", "val", "test")] == [2, 1, 2]
        read = read_objects(out, "boxes")
        assert [read.names[n] for n in read.split.test] == [f"boxes/{n}" for n in stored["test"]]


def test_kin_stay_in_one_part_of_a_split(meshes):
    objects = [one for one in find_meshes(meshes) if one.category == "boxes"]
    # b0 and b1 share the name b; the others keep theirs.
    for seed in range(20):
        parts = plan_splits(objects, 1, 1, seed, "^(b(?=[01])|b[2-4])")
        named = {one.id: parts[one.key] for one in objects}
        assert named["b0"] == named["b1"] and len(set(named.values())) == 3
    with pytest.raises(InputError, match=r"class boxes: .* 5 signals in 1 groups leave none"):
        plan_splits(objects, 1, 1, 0, "(b)")


def test_only_training_objects_get_variants_and_these_say_of_what(meshes, tmp_path):
    out = tmp_path / "out"
    rendered = render_views(
        find_meshes(meshes), out, TINY, validation=1, test=2, augment=3
    ).classes["boxes"]
    originals = [name for name in rendered["train"] if "variant" not in name]
    assert (len(originals), len(rendered["train"])) == (2, 8)
    assert all("variant" not in name for name in rendered["val"] + rendered["test"])
    rows = json.loads((out / "credits.json").read_text())
    assert {row["id"]: row["augmented_of"] for row in rows} == {
        name: name.partition("-variant")[0] if "variant" in name else None
        for part in rendered.values()
        for name in part
    }
    with (out / "credits.csv").open(newline="") as table:
        assert [row["id"] for row in csv.DictReader(table)] == [row["id"] for row in rows]
    variant = json.loads((out / f"boxes/{originals[0]}-variant2/object.json").read_text())
    assert variant["augmented_of"] == originals[0]
    pixels = {read_views(out / "boxes" / name).images.tobytes() for name in rendered["train"]}
    assert len(pixels) == 8


def test_credits_go_with_the_views(meshes, tmp_path):
    (meshes / "index.csv").write_text("file,name,source,licence,creator\nb1.ply,Bé,here,CC0,Ann\n")
    render_views(find_meshes(meshes, "box"), tmp_path / "out", TINY)
    rows = json.loads((tmp_path / "out/credits.json").read_text())
    assert rows[1] == {
        "class": "box", "id": "b1", "name": "Bé", "source": "here", "licence": "CC0",
        "creator": "Ann", "augmented_of": None,
    }  # fmt: skip
    # Another class in the same folder does not lose the credits of the first.
    render_views(find_meshes(meshes, "crate"), tmp_path / "out", TINY)
    rows = json.loads((tmp_path / "out/credits.json").read_text())
    assert [row["class"] for row in rows] == ["box"] * 5 + ["crate"] * 5


def test_broken_meshes_are_skipped_and_named(meshes, tmp_path):
    (meshes / "b2.ply").write_text("ply")
    (meshes / "b9.obj").write_text("v 0 0 0\n")
    told = []
    rendered = render_views(
        find_meshes(meshes), tmp_path / "out", TINY, progress=lambda *args: told.append(args)
    )
    assert [Path(file).name for file, _ in rendered.skipped] == ["b2.ply", "b9.obj"]
    assert "holds no faces" in rendered.skipped[1][1]
    assert sum(map(len, rendered.classes["boxes"].values())) == rendered.new == 4
    assert told[-1][:2] == (8, 8) and told[0] == (0, 12, "reading boxes/b0")


@pytest.mark.parametrize("when", ["while rendering", "while writing", "before the rename"])
def test_a_stopped_run_goes_on_and_ends_as_an_uninterrupted_one(
    meshes, tmp_path, monkeypatch, when
):
    objects = find_meshes(meshes)
    run = lambda out: render_views(objects, out, TINY, validation=1, test=1, augment=1)
    run(tmp_path / "whole")
    name = {
        "while rendering": "render_object", "while writing": "write_json",
        "before the rename": "rename",
    }[when]  # fmt: skip
    place = os if name == "rename" else MODULE
    real, calls = getattr(place, name), []

    def stopping(*args, **options):
        calls.append(args)
        # An object's views are renamed once in `write_views` and once with all that goes with them.
        if len(calls) == (6 if name == "rename" else 3):
            raise KeyboardInterrupt
        return real(*args, **options)

    monkeypatch.setattr(place, name, stopping)
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(out)
    monkeypatch.undo()
    finished = [folder for folder in (out / "boxes").iterdir() if folder.name[0] != "."]
    assert len(finished) == 2
    for folder in finished:
        assert contents(folder) == contents(tmp_path / "whole/boxes" / folder.name)
    before = {path: path.stat().st_mtime_ns for folder in finished for path in folder.iterdir()}
    rendered = run(out)
    assert (rendered.new, rendered.kept) == (6, 2)
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert contents(out) == contents(tmp_path / "whole")


def test_more_variants_are_added_to_a_finished_set(meshes, tmp_path):
    objects = find_meshes(meshes)
    for augment, new, kept in [(0, 5, 0), (2, 6, 5), (2, 0, 11)]:
        rendered = render_views(
            objects, tmp_path / "out", TINY, validation=1, test=1, augment=augment
        )
        assert (rendered.new, rendered.kept) == (new, kept)


def test_an_object_rendered_with_other_settings_is_refused(meshes, tmp_path):
    objects = find_meshes(meshes)
    render_views(objects, tmp_path / "out", TINY)
    with pytest.raises(InputError, match="was rendered with other settings"):
        render_views(objects, tmp_path / "out", RenderConfig(views=3, size=8, samples=1))


@pytest.mark.parametrize(
    "change, words",
    [
        ({"views": 0}, "views is 0"),
        ({"samples": 0}, "samples is 0"),
        ({"size": 2}, "size is 2"),
        ({"size": 4000}, "more than the limit of 4 GiB"),
        ({"distance": 1.0}, "distance is 1.0"),
        ({"distance": float("nan")}, "distance is nan"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_impossible_settings_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        RenderConfig(**change)


def test_impossible_numbers_of_objects_are_refused(meshes, tmp_path):
    objects = find_meshes(meshes)
    with pytest.raises(InputError, match="augment is -1"):
        render_views(objects, tmp_path / "out", TINY, augment=-1)
    with pytest.raises(InputError, match=r"class boxes: .* leave none for training"):
        render_views(objects, tmp_path / "out", TINY, test=5)
    assert not (tmp_path / "out").exists()


def test_the_missing_extra_is_named(meshes, tmp_path, monkeypatch):
    from theta0.errors import MissingExtra

    monkeypatch.setitem(sys.modules, "mitsuba", None)
    with pytest.raises(MissingExtra, match=r"pip install 'theta0\[render\]'"):
        render_views(find_meshes(meshes), tmp_path / "out", TINY)


SHARED = Path(__file__).parents[3] / "../shared/data/meshes"


@pytest.mark.slow
@pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs the meshes in shared/data beside the checkout"
)
def test_real_objects_of_every_class(tmp_path):
    objects = [one for one in find_meshes(SHARED)][::8]
    config = RenderConfig(views=4, size=32, samples=9)
    rendered = render_views(objects, tmp_path, config, validation=1, test=1)
    assert rendered.skipped == () and rendered.new == len(objects) > 15
    for one in objects:
        views = read_views(tmp_path / one.category / one.id)
        alpha = views.images[..., 3] / 255
        # It touches the sphere, and so comes near the picture's edges, but no more than that.
        assert 0.01 < alpha.mean() < 0.8
        assert one.credit.licence and one.credit.source
        shown = views.images[..., :3][alpha > 0.9]
        assert 8 < shown.mean() < 240
