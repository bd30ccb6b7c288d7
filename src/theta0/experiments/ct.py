"""CT from few views (paper, section 4.2): ``theta0 train ct --scale smoke|cpu|paper``."""

from theta0.evaluate import Protocol
from theta0.fields import FourierConfig
from theta0.fit import InnerConfig
from theta0.forward import Lines
from theta0.meta import OuterConfig
from theta0.tasks import CTConfig

from ._experiment import Experiment

PAPER = Experiment(
    # The paper to the letter; the authors trained on a GPU, two cores would need weeks.
    preset="ct",
    scale="paper",
    data=CTConfig(
        size=256, rays=256, training_views=20, chord=False, measure="mean", pixel_offset=0.0
    ),
    field=FourierConfig(),
    forward=Lines(samples=256, reduce="mean", stratified=False),
    meta="reptile",
    inner=InnerConfig("sgd", 10.0, 12),
    outer=OuterConfig(
        lr=5e-5, schedule="constant", steps=100_000, validate_every=2000, checkpoint_every=500
    ),
    protocol=Protocol(steps=(0, 50, 100, 1000), sgd=(3.0, 10.0, 30.0), adam=(3e-4, 1e-3), views=4),
    baseline=InnerConfig("adam", 1e-3, 2000),
)

CPU = Experiment(
    preset="ct",
    scale="cpu",
    data=CTConfig(size=128, rays=128, training_views=4, training_angles="even", query_pixels=4096),
    field=FourierConfig(width=128, features=128),
    forward=Lines(samples=64, reduce="sum"),
    meta="maml",
    inner=InnerConfig("sgd", 10.0, 5, batch=64),
    outer=OuterConfig(lr=1e-3, steps=3000),
    protocol=Protocol(sgd=(1.0, 3.0, 10.0, 30.0), adam=(3e-4, 1e-3, 3e-3), views=4),
    baseline=InnerConfig("adam", 1e-3, 1000),
)

DEMO = Experiment(
    preset="ct",
    scale="demo",
    data=CTConfig(size=64, rays=64, training_views=4, training_angles="even", query_pixels=1024),
    field=FourierConfig(width=64, layers=4, features=64, bandwidth=8.0),
    forward=Lines(samples=24, reduce="sum"),
    meta="maml",
    inner=InnerConfig("sgd", 10.0, 5, batch=64),
    outer=OuterConfig(
        lr=3e-3, steps=3000, validate_every=250, validation_signals=4, checkpoint_every=250
    ),
    protocol=Protocol(
        steps=(0, 1, 2, 5, 10, 20, 50),
        sgd=(3.0, 10.0, 30.0),
        adam=(1e-3, 3e-3),
        tuning_signals=2,
        signals=8,
        views=4,
    ),
    baseline=InnerConfig("adam", 1e-3, 300),
)

SMOKE = Experiment(
    preset="ct",
    scale="smoke",
    data=CTConfig(size=32, rays=32, training_views=4, training_angles="even", query_pixels=512),
    field=FourierConfig(width=32, features=32, layers=4),
    forward=Lines(samples=16, reduce="sum"),
    meta="maml",
    inner=InnerConfig("sgd", 10.0, 5, batch=64),
    outer=OuterConfig(
        lr=2e-3, steps=200, validate_every=50, validation_signals=4, checkpoint_every=50
    ),
    protocol=Protocol(
        steps=(0, 1, 2, 5, 10), sgd=(3.0, 10.0), adam=(3e-3,), tuning_signals=2, signals=4, views=4
    ),
    baseline=InnerConfig("adam", 3e-3, 100),
)
