"""Every meta-learner learns on every class of pictures, from all pixels or disjoint parts."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from theta0.data.images import SDF, Arrays, CelebA, Folder, Imagenette, Text, write_npz
from theta0.evaluation import Protocol
from theta0.fields import Siren, weights
from theta0.forward import Points
from theta0.inner import SGD, Adam
from theta0.meta import FOMAML, MAML, MetaSGD, OuterConfig, Reptile
from theta0.presets import Experiment, train
from theta0.signals import ImageConfig

pytestmark = pytest.mark.usefixtures("quick_compilation")

TINY = Experiment(
    preset="images",
    scale="smoke",
    data=ImageConfig(Text(6, 2, 2), size=10),
    field=Siren(width=8, layers=2, w0=10.0),
    forward=Points(),
    meta=MAML(steps=2, rule=SGD(0.01)),
    outer=OuterConfig(lr=1e-3, steps=2, tasks=2, validate_every=2, validation_signals=1),
    protocol=Protocol((0, 2), (SGD(0.01), Adam(1e-2)), tuning_signals=1, signals=1),
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """One of each kind, those of files in the layout that people have them in."""
    root = tmp_path_factory.mktemp("classes")
    rng = np.random.default_rng(0)

    def draw(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (12, 10, 3), np.uint8)).save(path)

    for number in range(10):
        draw(root / "folder" / f"{number}.png")
        draw(root / "celeba" / "img_align_celeba" / f"{number:06d}.jpg")
        draw(root / "imagenette2" / ("val" if number > 7 else "train") / f"n{number % 2}" /
             f"{number}.JPEG")  # fmt: skip
    lines = [f"{number:06d}.jpg {max(0, number - 7)}" for number in range(10)]
    (root / "celeba" / "list_eval_partition.txt").write_text("\n".join(lines))
    write_npz(SDF(6, 0, 2), root / "sdf.npz", 10)
    return {
        "folder": Folder(str(root / "folder"), validation=1, test=2),
        "celeba": CelebA(str(root / "celeba")),
        "imagenette": Imagenette(str(root / "imagenette2"), validation=2),
        "arrays": Arrays(str(root / "sdf.npz"), validation=1),
        "text": Text(6, 2, 2),
        "sdf": SDF(6, 2, 2),
    }


META = {
    "maml": MAML(steps=2, rule=SGD(0.01)),
    "fomaml": FOMAML(steps=2, rule=SGD(0.01)),
    "reptile": Reptile(steps=2, rule=SGD(0.01)),
    "metasgd": MetaSGD(steps=2),
}


@pytest.mark.slow
@pytest.mark.parametrize("meta", META)
@pytest.mark.parametrize("points", [(40, 30), pytest.param(None, marks=pytest.mark.slow)])
def test_every_meta_learner_learns_on_every_class(sources, tmp_path, meta, points):
    inner, outer = points or (None, None)
    for name, source in sources.items():
        data = ImageConfig(source, size=10, inner_points=inner, outer_points=outer)
        experiment = replace(TINY, data=data, meta=META[meta])
        found = train(experiment, tmp_path / name)
        learned, initial = weights(found.learned), weights(experiment.initial())
        moved = [np.abs(a - b).max() for a, b in zip(learned, initial, strict=True)]
        # Something moved, and nothing was lost.
        assert all(np.isfinite(leaf).all() for leaf in learned) and max(moved) > 1e-4
        assert np.isfinite(found.description.provenance["validation_psnr"])
