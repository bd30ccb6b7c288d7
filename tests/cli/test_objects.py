"""Which file a name means to theta0 render and theta0 export."""

import shutil
from pathlib import Path

import pytest

from theta0.cli._objects import find_object
from theta0.inits import shipped


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with pictures in one that is called as a shipped initialization is."""
    (tmp_path / "chair").mkdir()
    (tmp_path / "chair" / "000.png").write_bytes(b"picture")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_of_something_else_does_not_hide_a_shipped_initialization(theta0, here):
    done = theta0("render", "chair", "--frames", 1, "--size", 2, "--json")
    assert done.code == 0, done.err
    # Nor does the video go there.
    assert done.json["out"] == "orbit.gif" and (here / "orbit.gif").exists()


def test_a_fit_goes_before_a_shipped_name_and_a_run_before_both(here):
    town, chair = shipped()["town"], shipped()["chair"]
    assert find_object("chair").folder == Path()
    shutil.copy(town, here / "chair" / "fitted.safetensors")
    found = find_object("chair")
    assert found.folder == Path("chair") and found.data == find_object(str(town)).data
    shutil.copy(chair, here / "chair" / "init.safetensors")
    found = find_object("chair")
    assert found.folder == Path("chair") and found.data == find_object(str(chair)).data
