"""Tourist photographs (paper, section 4.4): ``theta0 train tourism-town --scale smoke|cpu|paper``.

A preset that ends in ``-joint`` is the paper's Standard: the same network after plain training on
all photographs together, which is an initialization learned with one inner step.
"""

from dataclasses import replace

from theta0.data.town import TouristTown
from theta0.evaluation import Protocol
from theta0.fields import Positional
from theta0.forward import Volume
from theta0.inner import SGD, Adam, InnerConfig
from theta0.meta import OuterConfig, Reptile
from theta0.signals import PhotoCollection, PhotoConfig

from .experiment import Experiment, rules

PAPER = Experiment(
    # The paper's settings; the authors trained on a GPU, two cores would need weeks. Their world is
    # 0.05 of COLMAP's, ours fits into the unit sphere, whatever COLMAP's units were.
    preset="tourism-folder",
    scale="paper",
    data=PhotoConfig(PhotoCollection(), size=256, rays=256 * 256, pixel_offset=0.0),
    field=Positional(),
    forward=Volume(samples=128, background="none", last_interval=1e10),
    meta=Reptile(steps=64, rule=SGD(1.0), batch=64),
    outer=OuterConfig(
        lr=5e-4, schedule="constant", steps=150_000, validate_every=2000, checkpoint_every=500
    ),
    protocol=Protocol(
        steps=(0, 64, 128, 256),
        rules=rules(sgd=(0.3, 1.0, 3.0), adam=(1e-4, 1e-3)),
        batch=64,
        signals=20,
    ),
    baseline=InnerConfig(Adam(5e-4), 5000, batch=1024),
)

# A softplus cannot be dead; the network is half as wide, for time.
CPU = Experiment(
    preset="tourism-folder",
    scale="cpu",
    data=PhotoConfig(PhotoCollection(), size=64, rays=4096),
    field=Positional(width=128),
    forward=Volume(samples=48, density="softplus", background="none", last_interval=1e10),
    meta=Reptile(steps=64, rule=SGD(1.0), batch=64),
    outer=OuterConfig(
        lr=1e-3, steps=3000, validate_every=150, validation_signals=5, checkpoint_every=50
    ),
    protocol=Protocol(
        steps=(0, 16, 64, 128, 256, 512),
        rules=rules(sgd=(0.3, 1.0, 3.0), adam=(1e-4, 3e-4, 1e-3)),
        batch=64,
        signals=20,
        tuning_signals=5,
    ),
    baseline=InnerConfig(Adam(1e-3), 2000, batch=256),
)

SMOKE = Experiment(
    preset="tourism-folder",
    scale="smoke",
    data=PhotoConfig(PhotoCollection(validation=2, test=2), size=16, rays=256, other_views=2),
    field=Positional(width=32, layers=4, bands=8, max_exponent=4.0),
    forward=Volume(samples=16, density="softplus", background="none", last_interval=1e10),
    meta=Reptile(steps=16, rule=SGD(1.0), batch=64),
    outer=OuterConfig(
        lr=3e-3, steps=150, validate_every=50, validation_signals=4, checkpoint_every=50
    ),
    protocol=Protocol(
        steps=(0, 16, 64),
        rules=rules(sgd=(0.3, 1.0), adam=(1e-3, 3e-3)),
        tuning_signals=2,
        signals=4,
        batch=64,
    ),
    baseline=InnerConfig(Adam(1e-3), 200, batch=64),
)

# One step costs a 64th of a Reptile step: as much training, and more of its own bookkeeping.
_JOINT_STEPS = 32


def _of(name: str, joint: bool) -> dict[str, Experiment]:
    """The presets of a place, learned for many inner steps, or for one."""

    def named(base: Experiment) -> Experiment:
        if name == "town":
            town = TouristTown(48, 4, 6) if base is SMOKE else TouristTown()
            base = replace(base, data=replace(base.data, source=town))
        if not joint:
            return replace(base, preset=f"tourism-{name}")
        every = {
            of: getattr(base.outer, of) * _JOINT_STEPS
            for of in ("steps", "validate_every", "checkpoint_every")
        }
        return replace(
            base,
            preset=f"tourism-{name}-joint",
            meta=replace(base.meta, steps=1),
            outer=replace(base.outer, **every),
        )

    return {base.scale: named(base) for base in (SMOKE, CPU, PAPER)}


PLACES = ("town", "trevi", "sacre-coeur", "brandenburg", "folder")

# theta0 train tourism-trevi --data PATH: a collection; tourism-town needs none
PRESETS = {
    experiments["cpu"].preset: experiments
    for place in PLACES
    for experiments in (_of(place, False), _of(place, True))
}
