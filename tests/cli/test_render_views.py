"""`theta0 data render-views`: what it says, its exit codes, and that nothing is lost."""

import pytest

trimesh = pytest.importorskip("trimesh", reason="trimesh is not installed")
pytest.importorskip("mitsuba", reason="mitsuba is not installed")

TINY = ["--views", 2, "--size", 8, "--samples", 1, "--validation", 1, "--test", 1]


@pytest.fixture
def meshes(tmp_path):
    """Three boxes of one class and three of another."""
    for name in ("cars", "lamps"):
        (tmp_path / "meshes" / name).mkdir(parents=True)
        for number in range(3):
            trimesh.creation.box([1, 2, 1 + number]).export(
                tmp_path / "meshes" / name / f"{number}.ply"
            )
    return tmp_path / "meshes"


@pytest.mark.slow
def test_classes_are_rendered_and_not_again(theta0, meshes, tmp_path):
    out = tmp_path / "out"
    (meshes / "cars/broken.obj").write_text("v 0 0 0\n")
    call = ["data", "render-views", meshes, "--out", out, *TINY, "--augment", 1, "--json"]
    done = theta0(*call)
    assert done.code == 0, done.err
    # The broken one takes no place in a split.
    assert done.json["classes"] == {
        "cars": {"train": 2, "val": 1, "test": 1}, "lamps": {"train": 2, "val": 1, "test": 1}
    }  # fmt: skip
    assert (done.json["rendered"], done.json["kept"]) == (8, 0)
    (file,) = done.json["skipped"]
    assert file.endswith("broken.obj") and "broken.obj" in done.err
    assert len(done.json["notes"]) == 6
    notes = [f"{one['object']}: {one['note']}" for one in done.json["notes"]]
    assert done.json["warnings"] == notes and f"note: {notes[0]}\n" in done.err
    again = theta0(*call)
    assert (again.code, again.json["rendered"], again.json["kept"]) == (0, 0, 8)
    assert again.json["warnings"] == notes  # what was kept has not lost its notes


def test_a_run_that_renders_nothing_fails(theta0, tmp_path):
    (tmp_path / "broken.glb").write_text("nothing")
    done = theta0("data", "render-views", tmp_path, "--out", tmp_path / "out", "--validation", 0,
                  "--test", 0, "--json")  # fmt: skip
    assert done.code == 2
    assert done.json["error"].count("broken.glb") == 1
    assert done.err.count("broken.glb") == 1
    assert not (tmp_path / "out").exists()
    (tmp_path / "other.obj").write_text("v 0 0 0\n")
    done = theta0("data", "render-views", tmp_path, "--out", tmp_path / "out", "--json")
    assert done.code == 2
    assert done.json["error"].startswith("none of the 2 objects could be rendered")
    assert "skipped" in done.err and "broken.glb" in done.err and "other.obj" in done.err


def test_an_interrupt_is_told_and_keeps_what_is_finished(theta0, meshes, tmp_path, monkeypatch):
    import sys

    from theta0.data.meshes import RenderConfig

    module = sys.modules[RenderConfig.__module__]
    real, calls = module.render_object, []

    def stopping(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(module, "render_object", stopping)
    call = ["data", "render-views", meshes, "--out", tmp_path / "out", *TINY, "--json"]
    done = theta0(*call)
    assert done.code == 1 and "interrupted" in done.json["error"]
    monkeypatch.undo()
    done = theta0(*call)
    assert (done.code, done.json["rendered"], done.json["kept"]) == (0, 4, 2)


@pytest.mark.parametrize(
    "argv, words",
    [
        ([], "MESHES"),
        (["nowhere", "--out", "out"], "nowhere: no such file or folder"),
        (["{meshes}"], "out"),
        (["{meshes}", "--out", "out", "--match", "sofa"], "match='sofa'"),
        (["{meshes}", "--out", "out", "--views", "0"], "views is 0"),
        (["{meshes}", "--out", "out", "--test", "1.5"], "test=1.5"),
        (["{meshes}", "--out", "out", "--test", "3"], "leave none for training"),
        (["{meshes}", "--out", "out", "--up", "x"], "up"),
        (["{meshes}", "--out", "out", "--max.faces", "0"], "faces is 0"),
        (["{meshes}", "--out", "{meshes}/cars/0.ply"], "is a file"),
    ],
)
def test_what_cannot_be_rendered(refused, meshes, argv, words):
    refused(words, "data", "render-views", *(word.format(meshes=meshes) for word in argv))


def test_help_shows_examples(theta0):
    done = theta0("data", "render-views", "--help")
    assert done.code == 0 and "theta0 data render-views chairs/ --out views" in done.out
    assert "render-views" in theta0("data", "--help").out
