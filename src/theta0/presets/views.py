"""View synthesis (paper, section 4.3): ``theta0 train view-chair --scale smoke|cpu|paper``."""

from dataclasses import replace

from theta0.data.views import ProceduralObjects
from theta0.evaluation import Protocol
from theta0.fields import Positional
from theta0.forward import Volume
from theta0.inner import SGD, Adam, InnerConfig
from theta0.meta import OuterConfig, Reptile
from theta0.signals import ObjectFolder, ViewConfig

from .experiment import Experiment, rules

PAPER = Experiment(
    # The paper to the letter; the authors trained on a GPU, two cores would need weeks.
    preset="view-chair",
    scale="paper",
    data=ViewConfig(
        ObjectFolder(category="chair"),
        size=128,
        rays=128 * 128,
        bounds="range",
        near=2.0,
        far=6.0,
        pixel_offset=0.0,
    ),
    field=Positional(),
    forward=Volume(samples=128),
    meta=Reptile(steps=32, rule=SGD(0.5), batch=128),
    outer=OuterConfig(
        lr=5e-4, schedule="constant", steps=100_000, validate_every=2000, checkpoint_every=500
    ),
    protocol=Protocol(
        steps=(0, 100, 1000, 2000),
        rules=rules(sgd=(0.1, 0.5, 1.0), adam=(1e-4, 1e-3)),
        batch=64,
        views=1,
    ),
    baseline=InnerConfig(Adam(5e-4), 5000, batch=1024),
)

# Rays are sampled inside the bounding sphere only, half as far as from near to far, so that fewer
# samples lie nearly as densely; a softplus cannot be dead. The network is half as wide, for time.
CPU = Experiment(
    preset="view-chair",
    scale="cpu",
    data=ViewConfig(ObjectFolder(), size=64),
    field=Positional(width=128),
    forward=Volume(samples=48, density="softplus"),
    meta=Reptile(steps=32, rule=SGD(0.5), batch=64),
    outer=OuterConfig(
        lr=1e-3, steps=2000, validate_every=100, validation_signals=4, checkpoint_every=50
    ),
    protocol=Protocol(
        steps=(0, 32, 100, 200, 500, 1000),
        rules=rules(sgd=(0.1, 0.2, 0.5), adam=(1e-4, 3e-4, 1e-3)),
        batch=64,
        signals=10,
        views=1,
    ),
    baseline=InnerConfig(Adam(1e-3), 2000, batch=256),
)

SMOKE = Experiment(
    preset="view-chair",
    scale="smoke",
    data=ViewConfig(
        ProceduralObjects(64, 4, 4), size=16, training_views=8, rays=512, first_held_out=8,
        held_out_views=4, validation_views=2,
    ),
    field=Positional(width=32, layers=4, bands=8, max_exponent=4.0),
    forward=Volume(samples=16, density="softplus"),
    meta=Reptile(steps=16, rule=SGD(0.5), batch=64),
    outer=OuterConfig(
        lr=3e-3, steps=150, validate_every=50, validation_signals=4, checkpoint_every=50
    ),
    protocol=Protocol(
        steps=(0, 16, 50), rules=rules(sgd=(0.2, 0.5), adam=(1e-3, 3e-3)), tuning_signals=2,
        signals=4, batch=64, views=1,
    ),
    baseline=InnerConfig(Adam(1e-3), 200, batch=64),
)  # fmt: skip


def _of(kind: str, views: int) -> dict[str, Experiment]:
    """The presets of a class, which sees one view of an object in training, or many."""
    name = f"view-{kind}" + ("-sv" if views == 1 else "")

    def named(base: Experiment) -> Experiment:
        assert isinstance(base.data, ViewConfig)
        source = base.data.source
        if isinstance(source, ObjectFolder):
            source = replace(source, category=kind)
        seen = min(views, base.data.training_views)
        return replace(
            base, preset=name, data=replace(base.data, source=source, training_views=seen)
        )

    return {base.scale: named(base) for base in (SMOKE, CPU, PAPER)}


# theta0 train view-chair --data PATH: 25 views of each object; view-chair-sv: one of each
PRESETS = {
    experiments["cpu"].preset: experiments
    for kind in ("chair", "car", "lamp")
    for experiments in (_of(kind, 25), _of(kind, 1))
}
