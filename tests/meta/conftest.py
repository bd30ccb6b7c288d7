"""A run without interruption, with which others are compared."""

import pytest

from theta0.files import read_jsonl

from .waves import run, validate


@pytest.fixture(scope="package")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return run(folder, validate=validate), read_jsonl(folder / "metrics.jsonl")
