"""Results of runs, and what the user says about a table: what cannot be is refused."""

import shutil

import pytest

from theta0.config import to_plain
from theta0.errors import InputError
from theta0.fields import Fourier
from theta0.files import write_json
from theta0.forward import Lines
from theta0.inner import SGD
from theta0.meta import OuterConfig, Reptile
from theta0.paper import Options, read_runs
from theta0.presets import Experiment
from theta0.signals import CTConfig

pytestmark = [pytest.mark.usefixtures("quick_compilation"), pytest.mark.slow]


def test_runs_that_cannot_be_are_refused(runs, tmp_path):
    with pytest.raises(InputError, match="a folder, but no run"):
        read_runs([tmp_path])
    with pytest.raises(InputError, match="given twice"):
        read_runs([runs[0].folder, runs[0].folder / "."])
    scan = Experiment(
        "ct", "smoke", CTConfig(size=8), Fourier(), Lines(), Reptile(rule=SGD(1.0)), OuterConfig(),
    )  # fmt: skip
    other = shutil.copytree(runs[0].folder, tmp_path / "ct")
    write_json(other / "config.json", to_plain(scan))
    with pytest.raises(InputError, match="a run of preset ct"):
        read_runs([other])


def test_runs_of_one_name_are_told_apart(runs, tmp_path):
    copy = shutil.copytree(runs[0].folder, tmp_path / "copy")
    names = [run.name for run in read_runs([runs[0].folder, copy])]
    assert names == [f"image-text ({runs[0].folder})", f"image-text ({copy})"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"signals": 0}, "signals is 0"),
        ({"steps": (2, 1)}, "must rise"),
        ({"match_steps": 0}, "match_steps is 0"),
        ({"match_signals": 3, "signals": 2}, "match_signals is 3"),
        ({"rules": ()}, "at least one"),
    ],
)
def test_options_that_cannot_be_are_refused(options, words):
    with pytest.raises(InputError, match=words):
        Options(**options)
