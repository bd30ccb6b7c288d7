"""Image regression (paper, section 4.1): ``theta0 train images --data FOLDER --scale ...``."""

from theta0.evaluate import Protocol
from theta0.fields import SirenConfig
from theta0.fit import InnerConfig
from theta0.forward import Points
from theta0.meta import OuterConfig
from theta0.tasks import ImageConfig

from ._experiment import Experiment

PAPER = Experiment(
    # The paper to the letter: three pictures a step, all pixels, two steps of plain SGD.
    preset="images",
    scale="paper",
    data=ImageConfig(size=178, pixel_offset=0.0),
    field=SirenConfig(),
    forward=Points(),
    meta="maml",
    inner=InnerConfig("sgd", 1e-2, 2),
    outer=OuterConfig(
        lr=1e-5,
        schedule="constant",
        steps=150_000,
        tasks=3,
        validate_every=1000,
        checkpoint_every=500,
    ),
    protocol=Protocol(sgd=(1e-3, 3e-3, 1e-2, 3e-2), adam=(3e-5, 1e-4, 3e-4)),
    baseline=InnerConfig("adam", 1e-4, 2000),
)

CPU = Experiment(
    preset="images",
    scale="cpu",
    data=ImageConfig(size=128, inner_points=8192, outer_points=4096),
    field=SirenConfig(),
    forward=Points(),
    meta="maml",
    inner=InnerConfig("sgd", 1e-2, 2),
    outer=OuterConfig(lr=5e-5, steps=5000, tasks=1, validate_every=250, checkpoint_every=100),
    protocol=Protocol(sgd=(1e-3, 3e-3, 1e-2, 3e-2), adam=(3e-5, 1e-4, 3e-4)),
    baseline=InnerConfig("adam", 1e-4, 1000),
)

SMOKE = Experiment(
    preset="images",
    scale="smoke",
    data=ImageConfig(size=32, validation=2, test=2),
    field=SirenConfig(width=64, layers=4, w0=60.0),
    forward=Points(),
    meta="maml",
    inner=InnerConfig("sgd", 1e-2, 2),
    outer=OuterConfig(
        lr=1e-4, steps=300, validate_every=50, validation_signals=2, checkpoint_every=50
    ),
    protocol=Protocol(
        steps=(0, 1, 2, 5, 10), sgd=(3e-3, 1e-2), adam=(3e-4,), tuning_signals=2, signals=2
    ),
    baseline=InnerConfig("adam", 3e-4, 200),
)
