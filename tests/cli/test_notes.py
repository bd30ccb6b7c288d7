"""Warnings of what was ignored are shown as notes, once each, and told in JSON."""

import json
import warnings

import pytest

from theta0.cli._common import guarded
from theta0.errors import InputError, InputWarning, note


def noting(rest):
    note("slices.dcm: tag A is ignored")
    note("slices.dcm: tag A is ignored")
    note("slices.dcm: tag B\nis ignored")
    return {"done": True}


def test_a_note_is_shown_once(capsys):
    assert guarded(noting, ["fit", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "note: slices.dcm: tag A is ignored", "note: slices.dcm: tag B is ignored"
    ]  # fmt: skip
    assert json.loads(out) == {
        "done": True, "warnings": ["slices.dcm: tag A is ignored", "slices.dcm: tag B is ignored"]
    }  # fmt: skip


def test_a_note_is_told_beside_an_error(capsys):
    def failing(rest):
        note("a.png: turned")
        raise InputError("b.png: damaged")

    assert guarded(failing, ["fit", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == {
        "error": "b.png: damaged", "warnings": ["a.png: turned"]
    }  # fmt: skip


def test_other_warnings_stay_what_they_are():
    def command(rest):
        warnings.warn("of another library", DeprecationWarning, stacklevel=1)
        return {}

    with pytest.warns(DeprecationWarning, match="of another library"):
        assert guarded(command, ["fit"]) == 0


def test_in_python_a_note_is_a_warning():
    with pytest.warns(InputWarning, match="tag A is ignored"):
        note("slices.dcm: tag A\nis ignored")
