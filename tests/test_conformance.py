"""Every built-in field, forward map, update rule, meta-learner and kind of signal, checked."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from theta0.conformance import (
    check_family,
    check_field,
    check_forward,
    check_meta_gradient,
    check_rule,
)
from theta0.data.images import SDF, Folder, Text
from theta0.data.photos import write_photos
from theta0.data.town import TouristTown
from theta0.data.views import ProceduralObjects, write_views
from theta0.fields import (
    Finer,
    FlipAverage,
    Fourier,
    Gaussian,
    Grid,
    Hybrid,
    Positional,
    Siren,
    Wire,
)
from theta0.forward import Lines, Observation, Points, Rays, Segments, Volume
from theta0.inner import SGD, Adam, Guarded, MetaCurvature, Objective, StepSizes, Then
from theta0.meta import FOMAML, MAML, Learned, MetaSGD, Reptile
from theta0.registry import FIELDS, FORWARD_MAPS, META_LEARNERS, RULES, SIGNALS
from theta0.signals import (
    CTConfig,
    ImageConfig,
    ObjectFolder,
    Phantoms,
    PhotoCollection,
    PhotoConfig,
    Shares,
    SliceFile,
    Task,
    ViewConfig,
    stack,
)

pytestmark = pytest.mark.usefixtures("quick_compilation")


def assert_all_are_checked(registry, settings):
    built_in = {
        name for name in registry.names() if registry[name].__module__.startswith("theta0.")
    }
    assert built_in <= {registry.name_of(type(one)) for one in settings}


# w0 and bandwidth lower than the paper's, so that rounding is not amplified by 200 a layer.
SIREN = Siren(width=8, layers=3, w0=20.0, out_size=2)
FOURIER = Fourier(width=8, layers=3, features=8, bandwidth=5.0)
POSITIONAL = Positional(width=8, layers=3, bands=4, max_exponent=3.0)
FIELD_SETTINGS = {
    "siren": Siren(width=12, layers=4),
    "smooth siren": Siren(width=12, layers=3, w0=20.0, out_size=1),
    "squashed siren": Siren(width=12, layers=3, w0=20.0, squash=True),
    "siren, w0 by layer": Siren(width=12, layers=4, layer_w0=(60.0, 20.0, 5.0)),
    "finer": Finer(width=12, layers=3),
    "finer, first bias": Finer(width=12, layers=3, first_bias=5.0, squash=True),
    "wire": Wire(width=12, layers=3, omega0=10.0, sigma0=4.0),
    "gaussian": Gaussian(width=12, layers=3),
    "fourier": Fourier(width=12, layers=3, features=8),
    "positional": Positional(width=12, layers=3, bands=6, max_exponent=4.0),
    "grid": Grid(levels=(3, 5), width=6),
    "hashed grid": Grid(levels=(3, 9), width=6, table=20, interpolation="quintic", squash=True),
    "hybrid": Hybrid(smooth=SIREN, sharp=Grid(levels=(3, 5), width=6, output_offset=0.0)),
    "flip-average": FlipAverage(SIREN),
    "flip-average, fourier": FlipAverage(FOURIER),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIELD_SETTINGS)
def test_fields(name, key):
    points = jax.random.uniform(jax.random.PRNGKey(3), (6, FIELD_SETTINGS[name].in_size))
    check_field(FIELD_SETTINGS[name].build(key), points)


rng = np.random.default_rng(0)
PLACES = np.float32(rng.random((5, 2)))
SEGMENTS = Segments(*rng.random((2, 5, 2), np.float32))
ORIGIN, DIRECTION = rng.standard_normal((2, 5, 3), np.float32)
RAYS = Rays(
    ORIGIN,
    DIRECTION,
    rng.uniform(0, 1, 5).astype(np.float32),
    rng.uniform(2, 3, 5).astype(np.float32),
)
MAPS = {
    "points": (Points(), PLACES, SIREN),
    "lines, mean": (Lines(samples=7), SEGMENTS, FOURIER),
    "lines, sum": (Lines(samples=7, reduce="sum", stratified=False), SEGMENTS, SIREN),
    "volume, relu": (Volume(samples=7), RAYS, POSITIONAL),
    "volume, softplus": (
        Volume(samples=7, density="softplus", background="black", last_interval=1e10),
        RAYS, POSITIONAL,
    ),
}  # fmt: skip


def alive(config):
    """A network whose density, if it has one, is above zero: a dead one would test nothing."""
    field = config.build(jax.random.PRNGKey(1))
    bias = field.layers[-1].bias
    return eqx.tree_at(lambda field: field.layers[-1].bias, field, bias.at[-1].add(2.0))


@pytest.mark.slow
@pytest.mark.parametrize("name", MAPS)
def test_forward_maps(name):
    forward, p, config = MAPS[name]
    check_forward(forward, alive(config), p)


RULE_SETTINGS = {
    "sgd": SGD(0.05),
    "adam": Adam(1e-3),
    "step-sizes, per layer": StepSizes(0.05, "layer", 2),
    "step-sizes, per weight": StepSizes(0.05, "weight", 3),
    "step-sizes, logarithms": StepSizes(0.05, "weight", 2, logarithms=True),
    "step-sizes of adam": StepSizes(1e-3, "layer", 2, direction="adam"),
    "meta-curvature": MetaCurvature(0.05, 2),
    "guarded": Guarded(SGD(0.05)),
    # Six steps are differentiated: both rules are at work.
    "then": Then(StepSizes(0.05, "weight", 2), 3, Adam(1e-3)),
}
OBJECTIVES = {
    "plain": Objective(),
    "penalized": Objective(tv=1e-3, tv_side=5, proximal=0.1, huber=0.2),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RULE_SETTINGS)
@pytest.mark.parametrize("objective", ["plain", "penalized"])
def test_rules(name, objective):
    # Frequencies of a Fourier network are not trained, and must not move.
    field = FOURIER.build(jax.random.PRNGKey(1))
    seen = Observation(PLACES, np.random.default_rng(1).random((5, 1), np.float32))
    check_rule(RULE_SETTINGS[name].build(field), Points(), field, seen, OBJECTIVES[objective])


META = {
    "maml": MAML(steps=2, rule=SGD(0.02)),
    "maml, long": MAML(steps=6, rule=SGD(0.02), batch=5),
    "fomaml": FOMAML(steps=2, rule=SGD(0.02)),
    "fomaml, long": FOMAML(steps=6, rule=SGD(0.02), batch=5),
    "reptile": Reptile(steps=6, rule=SGD(0.02), batch=5),
    "metasgd": MetaSGD(steps=2, rule=StepSizes(0.02, "weight")),
    "metasgd, then adam": MetaSGD(steps=6, rule=Then(StepSizes(0.02), 3, Adam(1e-3))),
    "adam": MAML(steps=2, rule=Adam(1e-3)),
    "maml, several numbers of steps": MAML(
        steps=7, rule=StepSizes(0.02, logarithms=True), also_after=(1, 2), log_loss=True
    ),
    "meta-curvature": MAML(steps=2, rule=MetaCurvature(0.02)),
}


def some_tasks(count):
    rng = np.random.default_rng(2)
    observed = lambda n: Observation(*rng.random((2, n, 2), np.float32))
    tasks = stack([Task(observed(9), observed(7)) for _ in range(count)])
    return jax.tree.map(jnp.asarray, tasks)


@pytest.mark.slow
@pytest.mark.parametrize("name", META)
def test_meta_learners(name):
    # Tasks mapped = tasks looped, among others; 6 steps scan, a batch draws from the key.
    meta, field = META[name], SIREN.build(jax.random.PRNGKey(3))
    learned = Learned(field, meta.inner.rule.build(field))
    check_meta_gradient(meta, Points(), learned, some_tasks(3))


def folder_of_pictures(folder):
    for number in range(9):
        pixels = np.random.default_rng(number).integers(0, 256, (14, 12, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return ImageConfig(Folder(str(folder), validation=2, test=2), size=12)


def file_of_slices(folder):
    hu = 1000 * np.random.default_rng(0).random((9, 16, 16), np.float32)
    np.savez(folder / "slices.npz", hu=hu, patient=[f"patient {n // 2}" for n in range(9)])
    source = SliceFile(str(folder / "slices.npz"), validation=2, test=2)
    return CTConfig(source, size=16, rays=12, training_views=3, photons=1e4, beam="fan")


SMALL_VIEWS = ViewConfig(
    ProceduralObjects(4, 2, 2), size=16, training_views=3, rays=64, first_held_out=3,
    held_out_views=2, validation_views=1,
)  # fmt: skip
SMALL_TOWN = PhotoConfig(TouristTown(4, 3, 3), size=16, rays=64, other_views=2)


def folder_of_objects(folder):
    drawn = ProceduralObjects(6, 0, 0, size=16, views=5).read()
    for number in range(6):
        write_views(drawn.load(number), folder / f"object{number}")
    source = ObjectFolder(str(folder), validation=1, test=1)
    return ViewConfig(**{**vars(SMALL_VIEWS), "source": source, "foreground": 0.5})


def collection_of_photographs(folder):
    town = TouristTown(5, 2, 2, size=16).read()
    found = write_photos(((town.load(number), None) for number in range(9)), folder / "town")
    return PhotoConfig(PhotoCollection(str(found), validation=2, test=2), size=16, rays=64)


FAMILIES = {
    "pictures": lambda folder: ImageConfig(Text(6, 2, 2), size=12),
    "pictures, disjoint points": lambda folder: ImageConfig(
        SDF(6, 2, 2), size=12, inner_points=40, outer_points=30, mirror=True
    ),
    "pictures, folder": folder_of_pictures,
    "phantoms": lambda folder: CTConfig(Phantoms(5, 2, 2), size=16, rays=12, training_views=3),
    "phantoms, pixels": lambda folder: CTConfig(
        Phantoms(5, 2, 2), size=16, rays=12, training_views=3, query_pixels=20, augment=1.0
    ),
    "slices": file_of_slices,
    "objects": lambda folder: SMALL_VIEWS,
    "objects, variants": lambda folder: ViewConfig(
        **{**vars(SMALL_VIEWS), "augment": 1.0, "inner_views": 1, "bounds": "range"}
    ),
    "objects, folder": folder_of_objects,
    "town": lambda folder: SMALL_TOWN,
    "town, other views": lambda folder: PhotoConfig(
        **{**vars(SMALL_TOWN), "judge": "other-views", "training_halves": True}
    ),
    "photographs, folder": collection_of_photographs,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.filterwarnings("ignore::theta0.errors.InputWarning")  # of small collections
def test_families(name, tmp_path):
    check_family(FAMILIES[name](tmp_path).build())


def test_families_of_arrays():
    rng, shares = np.random.default_rng(0), Shares(0.2, 0.2)
    pictures = rng.random((10, 14, 12, 3), np.float32)
    check_family(ImageConfig(size=12).from_arrays(pictures, shares))
    slices = rng.random((10, 16, 16), np.float32)
    check_family(CTConfig(size=16, rays=12, training_views=3).from_arrays(slices, shares), views=2)
    drawn = ProceduralObjects(10, 0, 0, size=16, views=5).read()
    check_family(SMALL_VIEWS.from_arrays([drawn.load(n) for n in range(10)], shares), views=1)


def test_no_built_in_is_left_out(tmp_path):
    assert_all_are_checked(FIELDS, FIELD_SETTINGS.values())
    assert_all_are_checked(FORWARD_MAPS, [forward for forward, _, _ in MAPS.values()])
    assert_all_are_checked(RULES, RULE_SETTINGS.values())
    assert_all_are_checked(META_LEARNERS, META.values())
    configs = [FAMILIES[name](tmp_path) for name in ("pictures", "phantoms", "objects", "town")]
    assert_all_are_checked(SIGNALS, configs)
