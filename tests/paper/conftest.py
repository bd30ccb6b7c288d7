"""Tiny runs on two classes of pictures, and table 1 of them."""

from dataclasses import replace

import pytest

import theta0.paper.run_cache
from theta0.data.images import SDF, Text
from theta0.evaluation import Protocol
from theta0.fields import Siren
from theta0.forward import Points
from theta0.inner import SGD, Adam, InnerConfig, StepSizes
from theta0.meta import MAML, MetaSGD, OuterConfig
from theta0.paper import Options, RunCache, read_runs, table1
from theta0.presets import Experiment, train
from theta0.signals import ImageConfig

TEXT = Experiment(
    preset="image-text",
    scale="smoke",
    data=ImageConfig(Text(6, 2, 3), size=12),
    field=Siren(width=8, layers=2, w0=10.0),
    forward=Points(),
    meta=MetaSGD(steps=2, rule=StepSizes(0.03)),
    outer=OuterConfig(lr=1e-3, steps=4, validate_every=2, validation_signals=1),
    protocol=Protocol((0, 1), (SGD(0.01), SGD(0.1), Adam(1e-2))),
    baseline=InnerConfig(Adam(1e-3), 3),
)
SHAPES = replace(
    TEXT,
    preset="image-sdf",
    data=replace(TEXT.data, source=SDF(6, 2, 3)),
    meta=MAML(steps=2, rule=SGD(0.03)),
)
OPTIONS = Options(signals=3, tuning_signals=2, match_signals=2, match_steps=20)
QUIET = lambda what, done: None


def timeless(rows):
    """The rows without what depends on the machine."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


@pytest.fixture(scope="package")
def runs(tmp_path_factory, quickly):
    """One run of each class."""
    folders = [tmp_path_factory.mktemp(experiment.preset) for experiment in (TEXT, SHAPES)]
    with quickly():
        for experiment, folder in zip((TEXT, SHAPES), folders, strict=True):
            train(experiment, folder)
    return read_runs(folders)


@pytest.fixture(scope="package")
def first(runs, tmp_path_factory, quickly):
    """Table 1 of both classes, and where its run cache lies."""
    folder = tmp_path_factory.mktemp("table1")
    with quickly():
        return table1(runs, OPTIONS, RunCache(folder), QUIET).rows, folder


@pytest.fixture
def unreadable(monkeypatch):
    """Makes signals of a kind unreadable: only the run cache is left."""

    def build(data):
        raise AssertionError("signals are read again")

    return lambda kind: monkeypatch.setattr(kind, "build", build)


@pytest.fixture
def remade(monkeypatch):
    """Names what is measured rather than read."""
    counted, timed = [], theta0.paper.run_cache._timed

    def counting(make):
        counted.append(make)
        return timed(make)

    monkeypatch.setattr(theta0.paper.run_cache, "_timed", counting)
    return counted
