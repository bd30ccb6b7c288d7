"""CT from few views (paper, section 4.2): ``theta0 train ct-phantoms --scale smoke|cpu|paper``."""

from dataclasses import replace

from theta0.evaluation import Protocol
from theta0.fields import Fourier, Siren
from theta0.forward import Lines
from theta0.inner import SGD, Adam, InnerConfig, StepSizes
from theta0.meta import MAML, MetaSGD, OuterConfig, Reptile
from theta0.signals import CTConfig, SliceFile

from .experiment import Experiment, rules

PAPER = Experiment(
    # The paper to the letter; the authors trained on a GPU, two cores would need weeks.
    preset="ct-phantoms",
    scale="paper",
    data=CTConfig(
        size=256, rays=256, training_views=20, chord=False, measure="mean", pixel_offset=0.0
    ),
    field=Fourier(),
    forward=Lines(samples=256, reduce="mean", stratified=False),
    meta=Reptile(steps=12, rule=SGD(10.0)),
    outer=OuterConfig(
        lr=5e-5, schedule="constant", steps=100_000, validate_every=2000, checkpoint_every=500
    ),
    protocol=Protocol(
        steps=(0, 50, 100, 1000), rules=rules(sgd=(3.0, 10.0, 30.0), adam=(3e-4, 1e-3)), views=4
    ),
    baseline=InnerConfig(Adam(1e-3), 2000),
)

# The demo's table shows which were chosen: never the largest, nor SGD's smallest.
_SGD = (0.006, 0.02, 0.06, 0.2, 0.6, 2.0)
_ADAM = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)

# Adam's first step moves every weight by its step size, of which a learned initialization bears
# little.
_SGD_CPU = (0.02, 0.06, 0.2, 0.6)
_ADAM_CPU = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)

# Not the paper's Fourier features with ReLU but a sine network, whose smooth curvature second-order
# MAML can use. Its output is squashed, so that a flat inside and a flat outside cost nothing and an
# edge moves as a whole. Samples lie at midpoints: jittered ones add the variance of the integral to
# the loss, which blurs what varies along a ray. The angles are those of the test. Nearly an hour on
# one core of 100 GFLOP/s; learning first on slices of 64x64, at a quarter of the price, then going
# on from there (--init-from), gives more in less: docs/results/README.md has both commands.
CPU = Experiment(
    preset="ct-phantoms",
    scale="cpu",
    data=CTConfig(
        size=128,
        rays=128,
        training_views=4,
        also_views=(1, 2, 4, 8),
        training_angles="fixed",
        query_pixels=4096,
    ),
    field=Siren(out_size=1, width=64, layers=4, w0=30.0, squash=True),
    forward=Lines(samples=32, reduce="sum", stratified=False),
    meta=MetaSGD(steps=8, rule=StepSizes(0.06, "weight")),
    outer=OuterConfig(
        lr=2e-4, rule_lr=5e-4, steps=5000, clip=1.0, validate_every=250, checkpoint_every=250
    ),
    protocol=Protocol(rules=rules(sgd=_SGD_CPU, adam=_ADAM_CPU), views=4),
    baseline=InnerConfig(Adam(3e-4), 1000),
)

DEMO = Experiment(
    preset="ct-phantoms",
    scale="demo",
    data=CTConfig(size=64, rays=64, training_views=4, training_angles="even", query_pixels=1024),
    field=Siren(out_size=1, width=64, layers=4, w0=30.0),
    forward=Lines(samples=16, reduce="sum"),
    meta=MAML(steps=5, rule=SGD(0.06)),
    outer=OuterConfig(
        lr=8e-4,
        steps=1700,
        tasks=2,
        clip=1.0,
        validate_every=250,
        validation_signals=4,
        checkpoint_every=250,
    ),
    protocol=Protocol(
        steps=(0, 1, 2, 5, 10, 20, 50),
        rules=rules(sgd=_SGD, adam=_ADAM),
        tuning_signals=4,
        signals=16,
        views=4,
    ),
    baseline=InnerConfig(Adam(3e-4), 500),
)

SMOKE = Experiment(
    preset="ct-phantoms",
    scale="smoke",
    data=CTConfig(size=32, rays=32, training_views=4, training_angles="even", query_pixels=512),
    field=Siren(out_size=1, width=32, layers=4, w0=30.0),
    forward=Lines(samples=16, reduce="sum"),
    meta=MAML(steps=5, rule=SGD(0.06)),
    outer=OuterConfig(
        lr=2e-3, steps=200, clip=1.0, validate_every=50, validation_signals=4, checkpoint_every=50
    ),
    protocol=Protocol(
        steps=(0, 1, 2, 5, 10),
        rules=rules(sgd=(0.02, 0.06), adam=(1e-4, 1e-3)),
        tuning_signals=2,
        signals=4,
        views=4,
    ),
    baseline=InnerConfig(Adam(1e-3), 100),
)


def _on_scans(base: Experiment, validation: int, test: int, augment: float = 0.0) -> Experiment:
    """The same on slices of patients, who are kept apart; the path is the user's to give."""
    source = SliceFile(validation=validation, test=test)
    data = replace(base.data, source=source, augment=augment, also_views=())
    return replace(base, preset="ct-scans", data=data)


# Few patients: no slice is seen twice as it is.
_SCANS = _on_scans(CPU, 8, 16, 1.0)
_SCANS = replace(
    _SCANS,
    data=replace(_SCANS.data, also_views=(8,)),
    outer=replace(_SCANS.outer, steps=3500),
)

PRESETS = {
    # theta0 train ct-phantoms: randomized Shepp-Logan phantoms
    "ct-phantoms": {"smoke": SMOKE, "cpu": CPU, "paper": PAPER},
    # theta0 train ct-scans --data PATH: slices of any format that theta0 fit reads
    "ct-scans": {
        "smoke": _on_scans(SMOKE, 4, 4),
        "cpu": _SCANS,
        "paper": _on_scans(PAPER, 16, 64),
    },
}
