"""theta0 demo, with the experiment in very small."""

import json
from dataclasses import replace

import pytest

from theta0.presets import PRESETS, ct


@pytest.fixture
def small(monkeypatch):
    """A demo of seconds."""
    demo = replace(PRESETS["ct-phantoms"]["smoke"], scale="demo")
    monkeypatch.setattr(ct, "DEMO", demo)


@pytest.mark.slow
def test_demo(theta0, small, tmp_path):
    out = tmp_path / "demo"
    done = theta0("demo", "--out", out, "--json")
    assert done.code == 0 and len(done.out.splitlines()) == 1
    assert (out / "index.html").exists() and (out / "run" / "init.safetensors").exists()
    margin = done.json["advantage"]
    assert set(margin) == {"db", "steps", "baseline"} and margin["steps"] in (1, 2)
    assert f"{margin['db']:.2f} dB" in done.err
    # Again: the run is finished, so it is only evaluated, to the same numbers.
    again = theta0("demo", "--out", out, "--json")
    assert "4/4 steps" not in again.err
    timeless = lambda rows: [{**row, "seconds": 0} for row in rows]
    assert timeless(again.json["results"]) == timeless(done.json["results"])


def test_a_folder_of_something_else_is_never_touched(refused, small, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    refused("something else", "demo", "--out", tmp_path)
    refused("something else", "demo", "--out", tmp_path, "--overwrite")
    assert (tmp_path / "letter.txt").read_text() == "dear"
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == '["here", "letter.txt"]'
