"""Objects in views: rays hit what the pictures show, and a signal is what its pictures show."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from theta0.config import from_plain, to_plain
from theta0.data.meshes import Variant
from theta0.data.views import ProceduralObjects
from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import Volume, predict
from theta0.signals import ObjectFolder, ViewConfig
from theta0.signals._scene import ObjectSignal

pytestmark = pytest.mark.usefixtures("quick_compilation")

CONFIG = ViewConfig(
    ProceduralObjects(6, 2, 3), size=16, training_views=4, rays=128, first_held_out=5,
    held_out_views=3, validation_views=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def tasks():
    return CONFIG.build()


def of(folder, **settings):
    """Tasks from the stored objects."""
    source = ObjectFolder(str(folder), validation=1, test=1)
    return replace(CONFIG, source=source, **settings).build()


def test_rays_of_a_variant_meet_it_where_the_views_own_meet_the_object():
    seen = CONFIG.build()._load(0)
    stretch, recolour = np.array([-0.8, 1.2, 1.0]), np.diag([0.5, 1.0, 2.0])
    variant = Variant(stretch, recolour)
    plain, varied = (CONFIG.observe(seen, [0, 1], which) for which in (None, variant))
    both = plain.p.meets & varied.p.meets
    assert both.mean() > 0.5
    # Along a ray t stays, so a point of it moves as the object does; the longest axis keeps its
    # length, and nothing leaves the sphere.
    at = lambda rays, t: rays.origin + t[:, None] * rays.direction
    t = (plain.p.near + plain.p.far) / 2
    np.testing.assert_allclose(at(varied.p, t), at(plain.p, t) * stretch / 1.2, atol=1e-6)
    for t in (varied.p.near, varied.p.far):
        ends = np.linalg.norm(at(varied.p, t)[varied.p.meets], axis=1)
        np.testing.assert_allclose(ends, CONFIG.radius, atol=1e-5)
    alpha = seen.images[:2, ..., 3:].reshape(-1, 1)
    colours = seen.images[:2, ..., :3].reshape(-1, 3) * [0.5, 1, 2]
    expected = np.clip(colours, 0, 1) * alpha + 1 - alpha
    np.testing.assert_allclose(varied.y, expected, atol=1e-6)


class Ball(Field):
    """A red ball of radius 0.4 around (0.3, 0, 0.2), solid inside."""

    def __call__(self, x):
        centre = np.array([0.3, 0.0, 0.2]).reshape(3, *[1] * (x.ndim - 1))
        inside = jax.numpy.sum((x - centre) ** 2, axis=0) < 0.4**2
        red = jax.numpy.stack([x[0] * 0 + 1.0, x[0] * 0, x[0] * 0])
        return jax.numpy.concatenate([red, jax.numpy.where(inside, 100.0, 0.0)[None]])


def test_rays_and_pictures_agree_on_where_things_are(tasks):
    # A ball rendered along the rays lies, in every view, where its projection says.
    from theta0.data.cameras import project

    views = tasks._load(6 + 2)
    task = tasks.held_out("test", 0, 1)
    shown = tasks.pictures(predict(Volume(samples=64), Ball(), task.query.p))
    for number, picture in zip(range(5, 8), shown, strict=True):
        opaque = 1 - picture[..., 1]
        row, column = (np.indices((16, 16)) * opaque).sum(axis=(1, 2)) / opaque.sum() + 0.5
        centre = project(np.array([[0.3, 0.0, 0.2]]), views.cameras[number]).pixel[0]
        # Perspective moves the centre of a ball's image outwards by less than that.
        np.testing.assert_allclose([column, row], centre, atol=0.35)


def test_nothing_of_an_object_lies_outside_its_bounding_sphere(tasks):
    for number in range(3):
        everything, shown = tasks._seen(number, 4)
        misses = everything.p.near >= everything.p.far
        assert misses.any() and not (shown & misses).any()
        np.testing.assert_array_equal(everything.y[misses], 1)


def test_a_range_takes_the_place_of_the_sphere():
    tasks = replace(CONFIG, bounds="range", near=1.0, far=7.0).build()
    p = tasks.held_out("test", 0, 1).query.p
    assert set(np.unique(p.near)) == {1.0} and set(np.unique(p.far)) == {7.0}


def test_an_object_of_the_users_own(folder):
    signal = CONFIG.read(folder / "object1", views=3)
    assert isinstance(signal, ObjectSignal)
    assert len(signal.task.query.y) == 3 * 16 * 16 and signal.own_side == 32
    assert len(CONFIG.read(folder / "object1").task.query.y) == 3 * 16 * 16


def test_held_out_views_judge_where_there_are_such(folder):
    judged = lambda views, **settings: (
        len(replace(CONFIG, **settings).read(folder / "object1", views).task.query.y) // (16 * 16)
    )
    # Of 8 views those from number 5 on, at most 3 of them; else all others.
    assert [judged(count) for count in (1, 5, 6, 7)] == [3, 3, 2, 1]
    assert judged(3, first_held_out=8, training_views=4) == 3
    assert judged(3, first_held_out=8, training_views=4, held_out_views=9) == 5


def test_a_signal_knows_its_photographs_and_their_camera(folder):
    signal = CONFIG.read(folder / "object1", 2)
    assert isinstance(signal, ObjectSignal)
    assert signal.inputs.shape == (2, 16, 16, 3)
    assert (signal.distance, signal.fov_deg) == pytest.approx((4.0, 30.0))
    shown = signal.pictures(signal.task.query.y)
    assert shown.shape == (3, 16, 16, 3)
    np.testing.assert_array_equal(shown.reshape(-1, 3), signal.task.query.y)


def test_a_photograph_is_the_view_it_was_taken_as(folder):
    from theta0.data.views import read_views

    views = read_views(folder / "object1")
    x, y, z = views.cameras[0].position
    azimuth, elevation = np.rad2deg([np.arctan2(y, x), np.arcsin(z / 4)]).tolist()
    signal = CONFIG.photograph(folder / "object1" / "000.png", azimuth, elevation, 4.0, 30.0)
    one = CONFIG.read(folder / "object1", 1)
    for found, expected in zip(
        jax.tree.leaves(signal.task.support), jax.tree.leaves(one.task.support), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    # Nothing judges it: eight new views around it, of which the first is from where it was taken.
    assert signal.target is None and len(signal.task.query.y) == 8 * 16 * 16
    first = jax.tree.map(lambda leaf: leaf[: 16 * 16], signal.task.query.p)
    own = CONFIG.observe(views_of(folder), [0]).p
    for found, expected in zip(jax.tree.leaves(first), jax.tree.leaves(own), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_single_view_is_fitted_and_nothing_judges_it(folder):
    seen = views_of(folder)
    one, several = CONFIG.take(seen.select([0])), CONFIG.take(seen, 1)
    for found, expected in zip(
        jax.tree.leaves(one.task.support), jax.tree.leaves(several.task.support), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    assert one.target is None and len(one.task.query.y) == 8 * 16 * 16
    with pytest.raises(InputError, match=r"views=2 of its 1 views; give 1$"):
        CONFIG.take(seen.select([0]), 2)


def test_views_that_are_too_few_name_the_settings(folder):
    with pytest.raises(
        InputError, match=r"has 8 views, but 9 are .*--data.training-views.*--views"
    ):
        of(folder, training_views=9, first_held_out=9).training_tasks(0, 0, 1)


def views_of(folder):
    from theta0.data.views import ViewOptions, read_views

    return read_views(folder / "object1", ViewOptions(downscale=2))


def test_the_class_of_a_folder_is_saved_and_read():
    # Not under the name "kind", which says what is saved.
    config = replace(CONFIG, source=ObjectFolder("objects", "chair"))
    assert from_plain(to_plain(config), ViewConfig, "here") == config


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda folder: ViewConfig(ObjectFolder()).build(), "give --data PATH"),
        (lambda folder: CONFIG.build().held_out("test", 0, 6), "give 1 to 5"),
        (lambda folder: CONFIG.build().held_out("test", 0, 0), "give 1 to 5"),
        (lambda folder: replace(CONFIG, size=15).read(folder / "object0"), "crop or resize"),
        (lambda folder: CONFIG.read(folder / "object0", 8), "give 1 to 7"),
        (lambda folder: CONFIG.read(folder / "object0", 1, 2), "one object"),
        (lambda folder: replace(CONFIG, radius=0.0), "radius is 0"),
        (lambda folder: replace(CONFIG, near=6.0), "near is 6"),
        (lambda folder: replace(CONFIG, distance=1.0), "from outside"),
        (lambda folder: replace(CONFIG, fov_deg=180.0), "field of view"),
        (lambda folder: CONFIG.read(folder / "object0" / "000.png"), "--azimuth"),
        (lambda folder: CONFIG.read_all(folder / "object0"), "leave out --index all"),
        (lambda folder: replace(CONFIG, foreground=2.0), "foreground is 2"),
        (lambda folder: replace(CONFIG, augment=-0.1), "augment is -0.1"),
        (lambda folder: replace(CONFIG, training_views=9), "are held out"),
        (lambda folder: replace(CONFIG, inner_views=5), "training sees 4 views"),
        (lambda folder: replace(CONFIG, inner_views=0), "inner_views is 0"),
        (lambda folder: of(folder, first_held_out=8).held_out("test", 0, 1), "none from number 8"),
        (lambda folder: of(folder, radius=1e-3).held_out("test", 0, 1), "move and scale"),
        (lambda folder: of(folder, radius=1e-3).training_tasks(0, 0, 1), "move and scale"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(folder, call, words):
    with pytest.raises(InputError, match=words):
        call(folder)
