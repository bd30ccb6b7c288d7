"""The benchmarks run at tiny sizes and their rows make sense; no time is asserted."""

import importlib
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # every group compiles programs and starts processes of its own

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def benchmarks():
    """The package, which lies beside ``tests`` and is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield importlib.import_module("benchmarks.__main__")


@pytest.fixture(scope="module")
def results(benchmarks):
    fields = importlib.import_module("theta0.fields")
    sizes = benchmarks.Sizes(
        side=8,
        siren=fields.Siren(width=16, layers=3),
        fourier=fields.Fourier(width=8, layers=3, features=4),
        rays=8,
        ray_samples=4,
        ray_steps=5,
        ct_scale="smoke",
        positional=fields.Positional(width=8, layers=3, bands=4),
        view_rays=8,
        view_samples=4,
        view_steps=2,
        training_views=2,
        many_steps=6,
        sgemm=32,
        grid=fields.Grid(levels=(2, 4), width=4),
        copied=64,
        quality_steps=3,
    )
    return benchmarks.measure(benchmarks.Options(repeats=1), sizes)


def test_every_group_has_a_row_with_a_finite_ratio(benchmarks, results):
    assert {row["group"] for row in results["rows"]} == set(benchmarks.GROUPS)
    for row in results["rows"]:
        assert row["ratio"] >= 0, row["name"]
        assert row["passed"] == (
            row["ratio"] >= row["target"] if row["at_least"] else row["ratio"] <= row["target"]
        )


def test_a_ratio_is_that_of_its_seconds_and_floor(results):
    # With one repeat the median of the ratios is the ratio of the medians.
    for row in results["rows"]:
        if row["floor_seconds"] is not None:
            slower = row["seconds"] / row["floor_seconds"]
            assert row["ratio"] in (pytest.approx(slower), pytest.approx(1 / slower)), row["name"]


def test_mamls_gradient_agrees_with_plain_autodiff(results):
    (row,) = (row for row in results["rows"] if "error against plain" in row["name"])
    assert 0 < row["ratio"] < 1e-4
    assert row["passed"]


def test_memory_is_measured_and_planned(results):
    (row,) = (row for row in results["rows"] if row["group"] == "memory")
    for probe in row["facts"].values():
        assert probe["process"] > 10
        assert probe["planned"] > 0


def test_results_are_plain_json(results):
    assert json.loads(json.dumps(results)) == results
    assert {"cpu", "cores", "sgemm_gflops", "jax"} <= set(results["machine"])
