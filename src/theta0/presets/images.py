"""Image regression (paper, section 4.1): ``theta0 train PRESET --data PATH --scale ...``.

The classes of pictures share every setting but where their pictures come from.
"""

from dataclasses import replace

from theta0.data.images import SDF, Arrays, CelebA, Folder, Imagenette, Text
from theta0.evaluation import Protocol
from theta0.fields import Grid, Siren
from theta0.forward import Points
from theta0.inner import SGD, Adam, InnerConfig, StepSizes
from theta0.meta import MAML, MetaSGD, OuterConfig
from theta0.signals import ImageConfig, ImageSource

from .experiment import Experiment, rules

# In docs/results/table2 random weights take the largest of SGD, and stay below 15 dB with it.
_SGD = (3e-3, 1e-2, 3e-2, 1e-1)
_ADAM = (3e-5, 1e-4, 3e-4)

PAPER = Experiment(
    # The paper to the letter: three pictures per step, all pixels, two steps of plain SGD.
    preset="images",
    scale="paper",
    data=ImageConfig(size=178, pixel_offset=0.0),
    field=Siren(),
    forward=Points(),
    meta=MAML(steps=2, rule=SGD(1e-2)),
    outer=OuterConfig(
        lr=1e-5,
        schedule="constant",
        steps=150_000,
        tasks=3,
        validate_every=1000,
        checkpoint_every=500,
    ),
    protocol=Protocol(rules=rules(sgd=_SGD, adam=_ADAM)),
    baseline=InnerConfig(Adam(1e-4), 2000),
)

CPU = Experiment(
    # An hour on one core of 100 GFLOP/s; with --data.mirror 29.7 dB after 2 steps on validation
    # faces. From there 24 minutes on all pixels bring 31.7: docs/results has both commands.
    preset="images",
    scale="cpu",
    data=ImageConfig(size=128, inner_points=4096, outer_points=4096),
    field=Siren(),
    forward=Points(),
    meta=MetaSGD(steps=2, rule=StepSizes(1e-2, "weight")),
    outer=OuterConfig(lr=5e-5, steps=6000, tasks=1, validate_every=250, checkpoint_every=100),
    protocol=Protocol(rules=rules(sgd=_SGD, adam=_ADAM)),
    baseline=InnerConfig(Adam(1e-4), 1000),
)

GRID = Experiment(
    # Ten minutes on two busy cores; with 700 CelebA faces and --data.mirror 84.9 dB after 5 steps
    # on validation faces: the finest level has a sample for each pixel, and fits are nearly linear.
    preset="images",
    scale="grid",
    data=ImageConfig(size=128),
    field=Grid(),
    forward=Points(),
    meta=MAML(
        steps=5,
        rule=StepSizes(0.3, "layer", logarithms=True),
        also_after=(1, 2),
        log_loss=True,
    ),
    outer=OuterConfig(
        lr=1e-3, rule_lr=1e-2, clip=1.0, steps=300, tasks=2, validate_every=50, checkpoint_every=50
    ),
    protocol=Protocol(rules=rules(sgd=(0.1, 0.3, 1.0), adam=(3e-3, 1e-2, 3e-2, 1e-1))),
    baseline=InnerConfig(Adam(1e-2), 500),
)

SMOKE = Experiment(
    preset="images",
    scale="smoke",
    data=ImageConfig(Folder(validation=2, test=2), size=32),
    field=Siren(width=64, layers=4, w0=60.0),
    forward=Points(),
    meta=MAML(steps=2, rule=SGD(1e-2)),
    outer=OuterConfig(
        lr=1e-4, steps=300, validate_every=50, validation_signals=2, checkpoint_every=50
    ),
    protocol=Protocol(
        steps=(0, 1, 2, 5, 10),
        rules=rules(sgd=(3e-3, 1e-2), adam=(3e-4,)),
        tuning_signals=2,
        signals=2,
    ),
    baseline=InnerConfig(Adam(3e-4), 200),
)


def _on(source: ImageSource, small: ImageSource, preset: str) -> dict[str, Experiment]:
    """The scales on a class of pictures, the smallest on few of them."""
    scales = {
        "smoke": (SMOKE, small),
        "grid": (GRID, source),
        "cpu": (CPU, source),
        "paper": (PAPER, source),
    }
    return {
        scale: replace(base, preset=preset, data=replace(base.data, source=pictures))
        for scale, (base, pictures) in scales.items()
    }


PRESETS = {
    # theta0 train images --data FOLDER: any folder of pictures
    "images": {"smoke": SMOKE, "grid": GRID, "cpu": CPU, "paper": PAPER},
    # theta0 train image-celeba --data FOLDER: faces, the folder of img_align_celeba
    "image-celeba": _on(CelebA(), CelebA(validation=2, test=2, limit=200), "image-celeba"),
    # theta0 train image-imagenette --data FOLDER: natural photos, the folder imagenette2
    "image-imagenette": _on(
        Imagenette(), Imagenette(validation=2, test=2, limit=200), "image-imagenette"
    ),
    # theta0 train image-text: words in many fonts, made by a procedure
    "image-text": _on(Text(), Text(200, 2, 2), "image-text"),
    # theta0 train image-sdf: signed distances of random closed curves, made by a procedure
    "image-sdf": _on(SDF(), SDF(200, 2, 2), "image-sdf"),
    # theta0 train image-arrays --data FILE.npz: the authors' text and signed distances
    "image-arrays": _on(Arrays(), Arrays(validation=2, test=2, limit=200), "image-arrays"),
}
