"""theta0 import: a Haiku pickle becomes an initialization that the other commands take."""

import pickle

import numpy as np
import pytest

from theta0.inits import load


@pytest.fixture
def file(tmp_path):
    """A pickle of a small network, with a point in its name."""
    rng = np.random.default_rng(0)
    sizes, layers = (2, 8, 8, 3), {}
    for i in range(3):
        w = rng.uniform(-0.1, 0.1, sizes[i : i + 2]).astype(np.float32)
        b = np.zeros(sizes[i + 1], np.float32)
        layers[f"net/layer{f'_{i}' if i else ''}/linear"] = {"w": w, "b": b}
    path = tmp_path / "maml-0.5.pkl"
    path.write_bytes(pickle.dumps(layers, 4))
    return path


def test_what_it_writes_and_says(theta0, file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = theta0("import", file, "--json")
    assert done.code == 0 and len(done.out.splitlines()) == 1
    result = done.json
    # 2 * 8 + 8, 8 * 8 + 8, 8 * 3 + 3.
    assert (result["init"], result["weights"]) == ("maml-0.5.safetensors", 123)
    told = load(tmp_path / "maml-0.5.safetensors").description
    assert told.provenance == {"imported": "maml-0.5.pkl", "sha256": result["sha256"]}
    assert "theta0 fit maml-0.5.safetensors" in done.err and "123 weights" in done.err


def test_options_reach_the_file(theta0, file, tmp_path):
    out = tmp_path / "new" / "celeba.safetensors"
    done = theta0(
        "import", file, "--out", out, "--name", "celeba", "--credit", "Tancik et al., MIT",
        "--w0", 30, "--size", 20,
    )  # fmt: skip
    told = load(out).description
    assert done.code == 0 and done.out == ""
    assert (told.name, told.field.w0, told.data.size) == ("celeba", 30.0, 20)
    assert told.provenance["credit"] == "Tancik et al., MIT"


def test_fit_and_info_take_the_result(theta0, file, photo, tmp_path):
    out = tmp_path / "init.safetensors"
    assert theta0("import", file, "--out", out, "--size", 12, "--w0", 10).code == 0
    info = theta0("info", out, "--json")
    assert info.code == 0 and info.json["provenance"]["imported"] == "maml-0.5.pkl"
    fitted = theta0("fit", out, photo, "--steps", 2, "--out", tmp_path / "fit", "--json")
    assert fitted.code == 0 and [row["steps"] for row in fitted.json["steps"]] == [0, 1, 2]
    done = theta0("eval", out)  # the file does not name any pictures to compare on
    assert done.code == 2 and "give --data" in done.err


@pytest.mark.slow
def test_eval_of_the_result(theta0, file, pictures, tmp_path, monkeypatch):
    from dataclasses import replace

    from theta0.inner import Adam, InnerConfig
    from theta0.presets import PRESETS

    small = replace(PRESETS["images"]["cpu"], baseline=InnerConfig(Adam(1e-3), 3))
    monkeypatch.setitem(PRESETS["images"], "cpu", small)
    out = tmp_path / "init.safetensors"
    assert theta0("import", file, "--out", out, "--size", 12, "--w0", 10).code == 0
    learned = load(out)  # twelve pictures are fewer than an image preset keeps for its test
    source = replace(learned.description.data.source, validation=2, test=3)
    data = replace(learned.description.data, source=source)
    replace(learned, description=replace(learned.description, data=data)).save(out)
    done = theta0(
        "eval", out, "--data", pictures, "--signals", 2, "--tuning-signals", 1, "--steps", 0, 1,
        "--rules", "sgd:1e-2", "adam:1e-3", "--out", tmp_path / "eval", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["facts"]["initialization imported from"] == "maml-0.5.pkl"
    assert None not in done.json["facts"].values()
    assert "imported from maml-0.5.pkl" in (tmp_path / "eval" / "index.html").read_text()


def test_a_file_that_exists_stays_unless_told(theta0, file, tmp_path):
    out = tmp_path / "init.safetensors"
    out.write_bytes(b"mine")
    done = theta0("import", file, "--out", out)
    assert done.code == 2 and "give --overwrite" in done.err and out.read_bytes() == b"mine"
    assert theta0("import", file, "--out", out, "--overwrite").code == 0
    assert load(out).description.name == "maml-0.5"


class Trap:
    def __reduce__(self):
        return print, ("the trap",)


def test_a_pickle_that_asks_for_more_is_refused_and_nothing_is_written(refused, tmp_path):
    (tmp_path / "trap.pkl").write_bytes(pickle.dumps({"a": Trap()}))
    done = refused("refers to 'builtins.print'.*nothing in it was run", "import",
                   tmp_path / "trap.pkl")  # fmt: skip
    assert "the trap" not in done.out


@pytest.mark.parametrize(
    "options, words",
    [
        (["--w0", "0"], "w0 is 0"),
        (["--w0", "inf"], "--w0: 'inf' is not a finite number"),
        (["--size", "1"], "--size 1"),
        (["--size", "100000"], "--size 100000"),
        (["--out", "init.pkl"], "ends in .safetensors"),
        (["--out", "init"], "ends in .safetensors"),
    ],
)
def test_options_that_cannot_be_used(refused, file, options, words):
    refused(words, "import", file, *options)


def test_places_that_cannot_be_used(refused, file, tmp_path):
    (tmp_path / "folder.safetensors").mkdir()
    refused("is a folder", "import", file, "--out", tmp_path / "folder.safetensors")
    refused("is a file", "import", file, "--out", file / "init.safetensors")
    refused("no such file", "import", tmp_path / "nothing.pkl")
    refused("FILE", "import")
