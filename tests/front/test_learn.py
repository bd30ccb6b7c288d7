"""``theta0.learn`` and ``theta0.evaluate`` on arrays."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from PIL import Image

import theta0
from theta0.errors import InputWarning
from theta0.signals import TaskFamily, pixel_coordinates, size_without_enlarging

pytestmark = pytest.mark.usefixtures("quick_compilation")

SMALL = theta0.Siren(width=16, layers=3, w0=20.0)
KIND = theta0.ImageConfig(size=12)


def waves(count, channels=3):
    """Plane waves, each picture with a phase of its own."""
    rng = np.random.default_rng(1)
    points = pixel_coordinates(12, 12)
    phases = points @ rng.uniform(-5, 5, (2, count * channels)) + rng.uniform(
        0, 6, count * channels
    )
    return (0.5 + 0.4 * np.sin(phases)).T.reshape(count, channels, 12, 12).transpose(0, 2, 3, 1)


@pytest.fixture(scope="module")
def pictures():
    return waves(20)


@pytest.fixture(scope="module")
def learned(pictures):
    return theta0.learn(
        pictures, theta0.MAML(steps=2, rule=theta0.SGD(0.05)), kind=KIND, field=SMALL, steps=6,
        outer=theta0.OuterConfig(lr=1e-3, validate_every=3),
    )  # fmt: skip


@pytest.mark.slow
def test_what_is_learned_is_saved_loaded_and_fitted(learned, pictures, tmp_path):
    learned.save(tmp_path / "waves.safetensors")
    again = theta0.load(tmp_path / "waves.safetensors")
    assert again.description == learned.description
    assert again.fit(pictures[0], steps=2).psnr == learned.fit(pictures[0], steps=2).psnr
    assert learned.description.provenance["outer_steps"] in (3, 6)


@pytest.mark.slow
def test_learning_in_a_folder_gives_the_same_and_resumes(learned, pictures, tmp_path):
    def run():
        return theta0.learn(
            pictures, theta0.MAML(steps=2, rule=theta0.SGD(0.05)), kind=KIND, field=SMALL, steps=6,
            outer=theta0.OuterConfig(lr=1e-3, validate_every=3), folder=tmp_path / "run",
        )  # fmt: skip

    first, second = run(), run()
    for found in (first, second):
        np.testing.assert_array_equal(found.field.layers[0].weight, learned.field.layers[0].weight)


@pytest.mark.slow
def test_any_optax_transformation_is_an_outer_optimizer(learned, pictures):
    found = theta0.learn(
        pictures, theta0.Reptile(steps=2, rule=theta0.SGD(0.05)), kind=KIND, field=SMALL, steps=2,
        optimizer=optax.sgd(0.5),
    )  # fmt: skip
    assert np.isfinite(found.field.layers[0].weight).all()


@pytest.mark.slow
def test_grey_pictures_get_a_grey_network():
    found = theta0.learn(waves(6, 1)[..., 0], kind=KIND, steps=1)
    assert found.description.field.out_size == 1
    assert found.fit(waves(6, 1)[0], steps=1).image().shape == (12, 12, 1)


@pytest.mark.slow
def test_a_learned_initialization_is_judged_against_the_baselines(learned, pictures):
    rules = (theta0.SGD(0.05), theta0.Adam(1e-3))
    found = theta0.evaluate(
        learned, pictures, rules=rules, steps=(0, 2), test_signals=3, tuning_signals=1
    )
    names = ("learned", "standard", "mean", "matched", "shuffled")
    assert {row["init"] for row in found.rows} == set(names)
    assert {row["rule"] for row in found.rows} == {"sgd", "adam"}
    assert all(np.isfinite(found.best(name, 2)) for name in names)
    assert "| standard |" in str(found)
    with pytest.raises(theta0.InputError, match="no row for 'nobody'"):
        found.best("nobody", 2)
    with pytest.raises(theta0.InputError, match="inits: 'zero' is unknown"):
        theta0.evaluate(learned, pictures, inits=("zero",))


@pytest.mark.slow
def test_nothing_is_computed_for_baselines_that_nobody_asked_for(learned, pictures, monkeypatch):
    family = KIND.from_arrays(pictures)
    monkeypatch.setattr(type(family), "mean_signal", lambda self: pytest.fail("computed"))
    theta0.evaluate(
        learned, family, inits=("standard", "matched"), rules=(theta0.SGD(0.05),), steps=(1,),
        test_signals=1, tuning_signals=1,
    )  # fmt: skip
    assert isinstance(family, TaskFamily)


@pytest.mark.parametrize(
    "wrong, words",
    [
        (np.zeros((2, 12, 12, 3)), "three or more are needed"),
        (np.zeros((12, 12)), r"shape \(12, 12\)"),
        ([], "give an array"),
        ([np.zeros((12, 12, 3)), np.zeros((12, 12))] * 2, "all in grey or all in colour"),
        (np.full((5, 12, 12, 3), 255.0), r"images\[0\] has values from 255"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_the_callers_words(wrong, words):
    with pytest.raises(theta0.InputError, match=words):
        theta0.learn(wrong, kind=KIND, steps=1)


@pytest.mark.slow
def test_small_pictures_are_learned_at_their_own_size():
    found = theta0.learn(list(waves(6)), field=SMALL, steps=1)
    assert found.description.data.size == 12
    with pytest.warns(InputWarning, match="images: the smallest, of 12 pixels, is enlarged to 16"):
        theta0.ImageConfig(size=16).from_arrays(waves(6))
    wide = [np.ones((9, 30, 3)), np.ones((200, 300, 3))]
    assert size_without_enlarging(wide, 128) == 9 and size_without_enlarging(wide[1:], 128) == 128
    assert [size_without_enlarging(one, 128) for one in ("pictures", 5, [[0.5], [0.1, 0.2]])] == [
        128, 128, 1,
    ]  # fmt: skip


def test_a_network_for_other_channels_is_refused():
    with pytest.raises(theta0.InputError, match=r"field\.out_size"):
        theta0.learn(waves(6, 1), kind=KIND, field=SMALL, steps=1)


@pytest.mark.slow
def test_pictures_are_learned_from_by_path_and_from_other_libraries(pictures, tmp_path):
    """A folder, a list of paths and arrays of another library, split by the same shares."""
    for number, picture in enumerate(pictures):
        pixels = np.uint8(np.rint(255 * picture))
        Image.fromarray(pixels).save(tmp_path / f"{number:02}.png")
    few = {"kind": KIND, "field": SMALL, "steps": 1, "outer": theta0.OuterConfig(tasks=2)}
    meta = theta0.MAML(steps=1, rule=theta0.SGD(0.05))
    paths = sorted(tmp_path.glob("*.png"))
    for signals in (tmp_path, paths, [str(path) for path in paths], jnp.asarray(pictures)):
        found = theta0.learn(signals, meta, **few)
        assert found.fit(paths[0], steps=1).psnr > 5
    with pytest.raises(theta0.InputError, match="which is one picture"):
        theta0.learn(pictures[0], meta, **few)


def test_shares_that_leave_nothing_to_learn_from_are_refused_by_their_name(pictures):
    shares = theta0.Shares(validation=0.25, test=0.5)
    with pytest.raises(theta0.InputError, match=r"shares are 0.25 .* none of 3 signals"):
        theta0.learn(pictures[:3], kind=KIND, shares=shares)


def test_a_run_on_other_arrays_or_shares_is_not_resumed(pictures, tmp_path):
    run = lambda given, **more: theta0.learn(
        given, kind=KIND, field=SMALL, steps=1, folder=tmp_path / "run", **more
    )
    run(pictures)
    run(pictures.copy())
    for given, more in ((pictures[::-1], {}), (pictures, {"shares": theta0.Shares(0.3, 0.3)})):
        with pytest.raises(theta0.InputError, match="started with other signals, or shares"):
            run(given, **more)


class Layers(theta0.Field):
    """Equinox's own network, which holds functions beside its arrays."""

    network: eqx.nn.MLP
    config: "LayersConfig" = eqx.field(static=True)

    def __call__(self, x):
        if x.ndim == 1:
            return self.network(x)
        return jax.vmap(self.network, in_axes=-1, out_axes=-1)(x)


@dataclass(frozen=True)
class LayersConfig(theta0.NetworkConfig):
    """Its settings."""

    in_size: int = 2
    out_size: int = 3

    def build(self, key):
        return Layers(eqx.nn.MLP(2, self.out_size, 6, 2, key=key), self)


class Nameless(theta0.Field):
    """A field that does not say which settings it was built from."""

    weight: jax.Array

    def __call__(self, x):
        return jnp.tensordot(self.weight, x, 1)


@dataclass(frozen=True)
class NamelessConfig(theta0.NetworkConfig):
    """Its settings."""

    in_size: int = 2
    out_size: int = 3

    def build(self, key):
        return Nameless(jax.random.normal(key, (3, 2)))


def test_a_network_that_could_not_be_saved_is_refused_before_it_is_learned(pictures, tmp_path):
    with pytest.raises(theta0.InputError, match="Nameless does not say which settings"):
        theta0.learn(pictures, kind=KIND, field=NamelessConfig(), folder=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@dataclass(frozen=True)
class Uncounted(theta0.ForwardMap):
    """A forward map without its number of samples."""

    def __call__(self, field, p, key=None):
        return theta0.Points()(field, p)


class Unshown(TaskFamily):
    """A family without pictures."""

    def size(self, split):
        return 3

    def training_tasks(self, seed, step, count):
        pytest.fail("asked for")

    def held_out(self, split, index, views=None):
        pytest.fail("asked for")

    def mean_signal(self):
        pytest.fail("asked for")


def test_parts_that_lack_something_are_refused_by_its_name(pictures):
    with pytest.raises(theta0.InputError, match="Uncounted has no samples, which every ForwardMap"):
        theta0.learn(pictures, kind=KIND, forward=Uncounted())
    with pytest.raises(theta0.InputError, match=r"Unshown has no pictures\(\), which every TaskF"):
        theta0.learn(Unshown(), kind=KIND)


@pytest.mark.slow
@pytest.mark.usefixtures("registries_as_before")
def test_a_network_of_equinox_is_learned_saved_and_judged(pictures, tmp_path):
    theta0.register("field", "test-layers")(LayersConfig)
    found = theta0.learn(pictures, kind=KIND, field=LayersConfig(), steps=1)
    found.save(tmp_path / "layers.safetensors")
    again = theta0.load(tmp_path / "layers.safetensors")
    assert eqx.tree_equal(again.field.network.layers, found.field.network.layers)
    rows = theta0.evaluate(
        again, pictures, inits=("matched", "shuffled"), rules="sgd:0.1", steps=1, test_signals=1
    ).rows
    assert [row["init"] for row in rows] == ["learned", "matched", "shuffled"]
