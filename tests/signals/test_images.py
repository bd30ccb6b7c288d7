"""Image tasks: coordinates, crops, disjoint points, and tasks that repeat by seed and step."""

from typing import Any

import equinox as eqx
import numpy as np
import pytest
from PIL import Image

from theta0.data import Split
from theta0.data.images import Folder, PicturesInMemory
from theta0.errors import InputError, InputWarning
from theta0.signals import ImageConfig, ImageTasks, PlanarSignal, Task, pixel_coordinates, stack
from theta0.signals._grid import z_order

SIZE, COUNT = 8, 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten pictures of noise, so that every pixel tells which picture it comes from."""
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(0)
    for number in range(COUNT):
        pixels = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number // 2}_{number}.png")
    return folder


def build(folder, **settings):
    of_folder: dict[str, Any] = {"validation": 2, "test": 3}
    of_folder |= {name: settings.pop(name) for name in ("test", "group") if name in settings}
    return ImageConfig(Folder(str(folder), **of_folder), **{"size": SIZE, **settings}).build()


@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_pixel_coordinates(offset):
    points = pixel_coordinates(3, 4, offset)
    expected = [[(i + offset) / 3, (j + offset) / 4] for i in range(3) for j in range(4)]
    np.testing.assert_allclose(points, expected, atol=1e-7)
    assert points.dtype == np.float32


def test_corner_coordinates_are_the_papers():
    ticks = np.linspace(0, 1, 179)[:-1]
    expected = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    np.testing.assert_allclose(pixel_coordinates(178, 178, 0.0), expected, atol=1e-7)


def test_a_whole_picture_is_every_pixel_in_its_place(folder):
    tasks = build(folder)
    task = tasks.held_out("test", 0)
    name = tasks.names[tasks._split.test[0]]
    pixels = np.asarray(Image.open(folder / name), np.float32) / 255
    (picture,) = tasks.pictures(task.query.y)
    np.testing.assert_allclose(picture, pixels, atol=1e-6)
    # Row i, column j lies at ((i + 0.5) / 8, (j + 0.5) / 8).
    at = np.flatnonzero((task.query.p == [(2 + 0.5) / 8, (5 + 0.5) / 8]).all(axis=1))
    np.testing.assert_allclose(task.query.y[at[0]], pixels[2, 5], atol=1e-6)
    assert bool(eqx.tree_equal(task.support, task.query))


def test_the_same_seed_and_step_give_the_same_task(folder):
    settings = {"inner_points": 20, "outer_points": 30}
    one, other = build(folder, **settings), build(folder, **settings)
    other.training_tasks(0, 0, 3)
    a, b = one.training_tasks(7, 5, 2), other.training_tasks(7, 5, 2)
    assert bool(eqx.tree_equal(a, b))
    for seed, step in ((7, 6), (8, 5)):
        assert not eqx.tree_equal(a, one.training_tasks(seed, step, 2))


def test_inner_and_outer_points_are_disjoint_and_of_fixed_number(folder):
    tasks = build(folder, inner_points=40, outer_points=24)
    for step in range(6):
        task = tasks.training_tasks(0, step, 2)
        assert task.support.p.shape == (2, 40, 2) and task.query.y.shape == (2, 24, 3)
        for signal in range(2):
            together = np.concatenate([task.support.p[signal], task.query.p[signal]])
            assert len(np.unique(together, axis=0)) == 64


def test_a_step_sees_different_pictures_all_of_them_from_the_training_split(folder):
    tasks = build(folder)
    known = {tasks._values(i).tobytes(): i for i in range(COUNT)}
    seen = set()
    for step in range(20):
        task = tasks.training_tasks(3, step, 3)
        chosen = [known[values.tobytes()] for values in task.support.y]
        assert len(set(chosen)) == 3
        seen |= set(chosen)
    assert seen == set(tasks._split.train)


def test_splits_are_disjoint_and_complete(folder):
    tasks = build(folder)
    parts = [getattr(tasks._split, name) for name in ("train", "validation", "test")]
    assert sorted(index for part in parts for index in part) == list(range(COUNT))
    assert [tasks.size(name) for name in ("train", "validation", "test")] == [5, 2, 3]


def test_groups_stay_together(folder):
    tasks = build(folder, group=r"^(\d+)_", test=2)
    of = {name: name.split("_")[0] for name in tasks.names}
    parts = [
        {of[tasks.names[i]] for i in getattr(tasks._split, name)}
        for name in ("train", "validation", "test")
    ]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_the_mean_signal_is_the_mean_of_the_training_pictures(folder):
    tasks = build(folder)
    expected = np.mean([tasks._values(i) for i in tasks._split.train], axis=0)
    np.testing.assert_allclose(tasks.mean_signal().y, expected, atol=1e-6)


def test_the_mean_is_of_at_most_two_thousand_pictures_each_loaded_once():
    class Counted:
        """A class of pictures that exist only when they are loaded; number 3 is 3/4000 grey."""

        names, skipped = tuple(map(str, range(4000))), ()
        split = Split(tuple(range(10, 4000)), (0,), (1,))
        loaded: list[int] = []  # noqa: RUF012

        def load(self, index):
            self.loaded.append(index)
            return np.full((4, 4, 1), index / 4000, np.float32)

    pictures = Counted()
    tasks = ImageTasks(ImageConfig(size=4), pictures)
    assert pictures.loaded == []  # nothing is loaded before it is asked for
    np.testing.assert_allclose(tasks.mean_signal().y, np.mean(range(10, 2010)) / 4000, atol=1e-6)
    assert pictures.loaded == list(range(10, 2010))
    pictures.loaded.clear()
    assert tasks.training_tasks(0, 0, 2).support.y.shape == (2, 16, 1)
    assert len(pictures.loaded) == 2


def test_mirroring_is_drawn_from_seed_and_step_and_only_in_training(folder):
    settings = {"inner_points": 20, "outer_points": 30, "mirror": True}
    one, other, plain = build(folder, **settings), build(folder, **settings), build(folder)
    other.training_tasks(0, 0, 3)
    a = one.training_tasks(7, 5, 2)
    assert bool(eqx.tree_equal(a, other.training_tasks(7, 5, 2)))
    assert not eqx.tree_equal(a.support, one.training_tasks(7, 6, 2).support)
    for name in ("train", "validation", "test"):
        assert bool(eqx.tree_equal(one.held_out(name, 0), plain.held_out(name, 0)))
    assert bool(eqx.tree_equal(one.mean_signal(), plain.mean_signal()))


def test_support_and_query_see_the_same_mirrored_picture():
    # A picture whose value tells where the pixel lay: both sets must lie on one ramp.
    ramp = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, None, :, None] * 4, (3, 64, 64, 1))
    pictures = PicturesInMemory(ramp, ("a", "b", "c"), (), Split((0,), (1,), (2,)))
    config = ImageConfig(size=64, inner_points=500, outer_points=500, mirror=True)
    found = []
    for step in range(40):
        task = ImageTasks(config, pictures).training_tasks(0, step, 1)
        mirrored = []
        for part in (task.support, task.query):
            column = 64 * part.p[0, :, 1] - 0.5
            plain, other = column * 4 / 255, (63 - column) * 4 / 255
            mirrored.append(np.allclose(part.y[0, :, 0], other, atol=1e-5))
            assert mirrored[-1] or np.allclose(part.y[0, :, 0], plain, atol=1e-5)
        assert mirrored[0] == mirrored[1]
        found.append(mirrored[0])
    assert 10 <= sum(found) <= 30


@pytest.mark.parametrize("inner, outer", [(1024, 3072), (1024, 1024), (500, 700), (4095, 1)])
def test_chosen_pixels_are_spread_over_the_picture(inner, outer):
    # In any 16 x 16 square of 64 x 64 pixels as many as its area asks for, give or take the ends
    # of its stretch of the curve; a plain draw of 1024 would scatter by 14.
    pictures = PicturesInMemory(np.zeros((3, 64, 64, 1), np.uint8), ("a", "b", "c"), (),
                                Split((0,), (1,), (2,)))  # fmt: skip
    config = ImageConfig(size=64, inner_points=inner, outer_points=outer, pixel_offset=0.0)
    task = ImageTasks(config, pictures).training_tasks(1, 2, 1)
    for count, part in ((inner, task.support), (outer, task.query)):
        squares = np.floor(part.p[0] * 4).astype(int)
        found = np.bincount(squares[:, 0] * 4 + squares[:, 1], minlength=16)
        if part is task.support or outer == 4096 - inner:
            assert np.abs(found - count / 16).max() <= 2
        assert len(np.unique(part.p[0], axis=0)) == count


def test_morton_order_visits_every_pixel_once_and_square_by_square():
    for height, width in ((8, 8), (5, 7), (1, 1), (3, 16)):
        order = z_order(height, width)
        assert sorted(order) == list(range(height * width))
    order = z_order(16, 16).reshape(-1, 16)  # runs of 16: the 4 x 4 squares
    for run in order:
        rows, columns = run // 16, run % 16
        assert np.ptp(rows) == np.ptp(columns) == 3


def test_data_elsewhere_is_a_setting_of_the_source(monkeypatch):
    config = ImageConfig(Folder("here", validation=7), size=16)
    assert config.path == "here" and ImageConfig().path is None
    assert config.with_path("there") == ImageConfig(Folder("there", validation=7), size=16)
    # As for a source that reads no files.
    monkeypatch.setattr("theta0.signals._images.FileSource", ())
    assert config.path is None
    with pytest.raises(InputError, match=r"photos: pictures of Folder are made.*leave --data out"):
        config.with_path("photos")


def test_stacked_tasks_have_one_more_axis(folder):
    tasks = build(folder)
    both = stack([tasks.held_out("test", 0), tasks.held_out("test", 1)])
    assert isinstance(both, Task) and both.support.y.shape == (2, SIZE * SIZE, 3)


def test_a_picture_of_the_users_is_cropped_to_its_centre(tmp_path):
    # 16 high, 24 wide: the middle 16 columns remain, at half their size.
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:, 4:20] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    with pytest.warns(InputWarning, match=r"wide.png: of 24 x 16 pixels .* without 8 columns"):
        signal = ImageConfig(size=8).read(tmp_path / "wide.png")
    with pytest.warns(InputWarning, match=r"the image: of 16 x 24 pixels .* without 8 rows"):
        ImageConfig(size=8).take(pixels.transpose(1, 0, 2))
    assert isinstance(signal, PlanarSignal)
    assert (signal.side, signal.own_side) == (8, 16)
    values = np.asarray(signal.task.query.y).reshape(8, 8, 3)
    # Lanczos in 8 bits rounds twice, by one level at most each.
    np.testing.assert_allclose(values[:, 2:-2], 200 / 255, atol=2.01 / 255)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"inner_points": 10}, "go together"),
        ({"inner_points": 40, "outer_points": 25}, "only 64 pixels"),
        ({"inner_points": 0, "outer_points": 5}, "inner_points is 0"),
        ({"size": 0}, "size is 0"),
        ({"test": 10}, "leave none for training"),
        ({"group": "("}, "regular expression"),
    ],
)
def test_settings_that_cannot_be_are_refused(folder, settings, words):
    with pytest.raises(InputError, match=words):
        build(folder, **settings)


def test_more_tasks_than_pictures_are_refused(folder):
    with pytest.raises(InputError, match="only 5"):
        build(folder).training_tasks(0, 0, 6)


def test_pictures_have_no_views(folder):
    with pytest.raises(InputError, match="no views"):
        build(folder).held_out("test", 0, views=2)
