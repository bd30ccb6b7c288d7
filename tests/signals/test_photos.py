"""Tasks from photographs: halves, masks, and a place in the light of one photograph."""

from dataclasses import dataclass, replace

import jax
import numpy as np
import pytest

from theta0.config import from_plain, to_plain
from theta0.data import Split
from theta0.data.cameras import Camera, look_at, project
from theta0.data.photos import Photo, write_photos
from theta0.data.town import TouristTown
from theta0.errors import InputError
from theta0.signals import PhotoCollection, PhotoConfig, PhotoTasks, Standpoint
from theta0.signals._photos import standpoint_of
from theta0.signals._scene import PhotoSignal
from theta0.signals._view_rays import rows

from ..data.photo_files import colmap, write_authors, write_binary, write_images
from ..data.photo_files import make_scene as place

SIZE = 8
CONFIG = PhotoConfig(TouristTown(4, 2, 3), size=SIZE, rays=32, other_views=2)


@dataclass(frozen=True)
class Fake:
    """A town whose pictures say where and in whose light they were taken."""

    split: Split = Split((0, 1, 2, 3), (4, 5), (6, 7, 8))  # noqa: RUF009 (frozen)
    names: tuple[str, ...] = tuple(f"photo{n}" for n in range(9))
    skipped: tuple[tuple[str, str], ...] = ()

    def load(self, index):
        return self.render(index)

    def render(self, index, look=None, occluders=True):
        look = index if look is None else look
        image = np.zeros((12, 20, 3), np.uint8)
        image[..., 0], image[..., 1] = 20 * index, 20 * look
        image[..., 2] = np.arange(20)[None] * 10
        hidden = np.zeros((12, 20), bool)
        hidden[:, 4:7] = occluders
        image[hidden] = 255
        pose = look_at((np.cos(index), np.sin(index), 0.2), (0, 0, 0.2))
        camera = Camera(20, 12, 30.0, 30.0, 10.0, 6.0, pose)
        return Photo(image, camera, self.names[index], 0.5 + index, 20.0 + index, hidden)


def tasks(**settings):
    return PhotoTasks(replace(CONFIG, **settings), Fake())


def rows_of(observation):
    leaves = [
        np.asarray(leaf).reshape(len(observation.y), -1) for leaf in jax.tree.leaves(observation)
    ]
    return {row.tobytes() for row in np.concatenate(leaves, axis=1)}


def columns(observation, photo):
    """In which columns of a photograph the rays of an observation lie."""
    points = observation.p.origin + observation.p.direction
    return project(np.asarray(points, np.float64), photo.camera).pixel[:, 0]


def test_a_training_task_is_a_function_of_seed_and_step():
    family = tasks()
    one, again, other = (family.training_tasks(3, step, 2) for step in (7, 7, 8))
    assert all(map(np.array_equal, *(jax.tree.leaves(task) for task in (one, again))))
    assert not np.array_equal(one.support.y, other.support.y)
    assert one.support.y.shape == (2, 32, 3)
    everything = set().union(*(rows_of(CONFIG.observe(family.load(n))) for n in range(4)))
    for part in (one.support, one.query):
        assert rows_of(jax.tree.map(lambda leaf: leaf[0], part)) <= everything


@pytest.mark.parametrize("leave_out_hidden", [False, True])
def test_halves_to_learn_from_are_two_halves_of_one_photograph(leave_out_hidden):
    family = tasks(training_halves=True, leave_out_hidden=leave_out_hidden)
    first = set()
    for step in range(12):
        batch = family.training_tasks(0, step, 1)
        task = jax.tree.map(lambda leaf: leaf[0], batch)
        assert task.support.y.shape == task.query.y.shape == (32, 3)
        number = round(float(task.support.y[(task.support.y < 1).any(axis=1)][0, 0]) * 255 / 20)
        photo = family.load(number)
        sides = [columns(part, photo) < SIZE / 2 for part in (task.support, task.query)]
        assert sides[0].all() != sides[1].all() and all(
            side.all() or not side.any() for side in sides
        )
        assert (task.support.y == 1).all(axis=1).any() != leave_out_hidden or not sides[0].all()
        first.add(bool(sides[0].all()))
    assert first == {True, False}


def test_the_left_half_is_fitted_and_the_right_half_judges():
    family = tasks()
    task, photo = family.held_out("test", 1), Fake().load(7).square(SIZE)
    assert (columns(task.support, photo) < SIZE / 2).all()
    assert (columns(task.query, photo) > SIZE / 2).all()
    assert len(rows_of(task.support)) == len(rows_of(task.query)) == SIZE * SIZE // 2
    shown = family.pictures(task.query.y)
    assert shown.shape == (1, SIZE, SIZE // 2, 3)
    np.testing.assert_array_equal(shown[0], photo.image[:, SIZE // 2 :] / np.float32(255))
    left = family.fitted_part("test", 1)
    np.testing.assert_array_equal(
        left[:, : SIZE // 2], photo.image[:, : SIZE // 2] / np.float32(255)
    )
    assert (left[:, SIZE // 2 :] == 1).all()
    assert (task.support.p.near == 7.5).all() and (task.query.p.far == 27).all()


@pytest.mark.parametrize("judge", ["right-half", "other-views"])
def test_what_is_hidden_can_be_left_out_of_what_is_fitted(judge):
    white = lambda task: (task.support.y == 1).all(axis=1)
    whole = tasks(judge=judge).held_out("test", 0)
    part = tasks(judge=judge, leave_out_hidden=True).held_out("test", 0)
    assert white(whole).any() and not white(part).any()
    assert part.support.y.shape == whole.support.y.shape
    # All that is not hidden is there, and nothing else.
    hidden = Fake().load(6).square(SIZE).hidden
    assert hidden is not None
    hidden = hidden[:, : SIZE // 2] if judge == "right-half" else hidden
    assert len(rows_of(part.support)) == int((~hidden).sum())
    np.testing.assert_array_equal(part.query.y, whole.query.y)


def test_other_views_are_seen_in_the_light_of_the_photograph_without_people():
    family = tasks(judge="other-views")
    task = family.held_out("test", 2)
    assert task.support.y.shape == (SIZE * SIZE, 3)
    seen = family.pictures(task.query.y)
    # Those that follow in the split, and it begins anew at its end.
    for picture, index in zip(seen, (6, 7), strict=True):
        true = Fake().render(index, look=8, occluders=False).square(SIZE)
        np.testing.assert_array_equal(picture, true.image / np.float32(255))
    with pytest.raises(InputError, match="other_views is 3, but beside a photograph the test"):
        tasks(judge="other-views", other_views=3).held_out("test", 0)


def test_no_collection_shows_a_place_from_elsewhere_in_one_light():
    class Collection:
        names, skipped, split, load = Fake().names, (), Fake().split, Fake().load

    with pytest.raises(InputError, match="no photograph shows a place from elsewhere"):
        PhotoTasks(replace(CONFIG, judge="other-views"), Collection()).held_out("test", 0)


def test_the_mean_signal_is_of_training_photographs():
    mean = tasks().mean_signal()
    assert set(np.unique(mean.p.near)) == {0.5, 1.5, 2.5, 3.5}
    assert len(mean.y) == 1 << 18


def test_a_new_view_from_where_the_photograph_was_taken_has_its_rays():
    photo = Fake().load(3).square(SIZE)
    config = replace(CONFIG, standpoint=standpoint_of(photo))
    rays = config.rays_of(config.camera(config.taken_from().pose))
    for ours, own in zip(*map(jax.tree.leaves, (rays, CONFIG.observe(photo).p)), strict=True):
        np.testing.assert_allclose(ours, own, atol=1e-6)
    assert config.depths == (3.5, 23.0)
    assert from_plain(to_plain(config), PhotoConfig, "here") == config
    with pytest.raises(InputError, match="fit a photograph first"):
        CONFIG.rays_of(photo.camera)


def test_a_photograph_of_a_collection_is_a_signal(tmp_path):
    folder = write_photos(((Fake().load(n), None) for n in range(9)), tmp_path / "town")
    config = replace(CONFIG, source=PhotoCollection(), leave_out_hidden=True)
    photo = Fake().load(5).square(SIZE)
    by_number = config.read(folder, index=5)
    by_name = config.read(folder / "images" / "photo5.png")
    for signal in (by_number, by_name):
        assert isinstance(signal, PhotoSignal) and signal.target is not None
        np.testing.assert_array_equal(
            signal.pictures(signal.target)[0], photo.image / np.float32(255)
        )
        assert signal.own_side == 12 and len(signal.task.support.y) == SIZE * SIZE
        assert not (signal.task.support.y == 1).all(axis=1).any()
        assert signal.standpoint == standpoint_of(photo)
    for wrong, message in (
        ({"index": 9}, "index=9; give 0 to 8"),
        ({"views": 2}, "views=2: a fit is of one"),
    ):
        with pytest.raises(InputError, match=message):
            config.read(folder, **wrong)


def write_nerfw(folder, scene):
    """A table that names pictures of one side only."""
    write_images(folder / "dense/images", scene)
    write_binary(folder / "dense/sparse", colmap(scene))
    rows = [f"{name}\t{row}\ttrain\tplace" for row, name in enumerate(scene.names[:4])]
    (folder / "place.tsv").write_text("\n".join(["filename\tid\tsplit\tdataset", *rows]))


def write_authors_above_dense(folder, scene):
    """The authors' arrays over COLMAP's own model, which has points and so another world."""
    write_authors(folder, scene)
    write_binary(folder / "dense/sparse", colmap(scene))
    (folder / "images").rename(folder / "dense/images")


@pytest.mark.parametrize("write", [write_nerfw, write_authors_above_dense])
def test_a_photograph_is_fitted_where_it_was_learned_from(tmp_path, monkeypatch, write):
    write(tmp_path, place())
    source = PhotoCollection(str(tmp_path), validation=1, test=0)
    config = replace(CONFIG, source=source)
    learned = standpoint_of(config.build().load(2))
    picture = tmp_path / "dense/images/photo_02.png"
    monkeypatch.chdir(tmp_path / "dense")
    for path in (picture, picture.relative_to(tmp_path / "dense")):
        signal = config.read(path)
        assert isinstance(signal, PhotoSignal) and signal.standpoint == learned
    if write is write_nerfw:
        assert isinstance(config.read(tmp_path / "dense/images/photo_06.png"), PhotoSignal)
        for number in (0, 1, 5):
            (tmp_path / f"dense/images/photo_{number:02d}.png").unlink()
        signal = config.read(picture)
        assert isinstance(signal, PhotoSignal) and signal.standpoint == learned


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"size": 7}, "size is 7; give an even"),
        ({"size": 0}, "size"),
        ({"rays": 0}, "rays"),
        ({"other_views": 0}, "other_views"),
    ],
)
def test_settings_that_cannot_work_are_input_errors(settings, message):
    with pytest.raises(InputError, match=message):
        replace(CONFIG, **settings)


def test_a_collection_needs_a_path():
    with pytest.raises(InputError, match="give --data PATH"):
        replace(CONFIG, source=PhotoCollection()).build()
    assert replace(CONFIG, source=PhotoCollection()).with_path("x").path == "x"
    assert CONFIG.path is None


@pytest.mark.parametrize(
    "change, words",
    [
        ({"c2w": [1.0] * 11}, "c2w has 11 numbers; give 12"),
        ({"c2w": [float("nan")] * 12}, "finite"),
        ({"near": 0.0}, "near is 0.0 and far 4.0; give 0 < near < far"),
        ({"far": 1.0}, "near is 1.0 and far 1.0"),
        ({"far": float("inf")}, "expected a finite number, found inf .at "),
    ],
)
def test_a_file_with_a_standpoint_that_cannot_be_is_refused(change, words):
    standpoint = Standpoint(tuple(np.eye(3, 4).ravel().tolist()), 30.0, 1.0, 4.0)
    plain = to_plain(replace(CONFIG, standpoint=standpoint))
    plain["standpoint"] |= change
    with pytest.raises(InputError, match=f"file: .*{words}.*standpoint"):
        from_plain(plain, PhotoConfig, "file")


def test_a_photograph_hidden_altogether_is_refused():
    class Hidden(Fake):
        def load(self, index):
            photo = super().load(index)
            return replace(photo, hidden=np.ones_like(photo.hidden))

    family = PhotoTasks(replace(CONFIG, leave_out_hidden=True), Hidden())
    with pytest.raises(InputError, match="hides all"):
        family.held_out("test", 0)
    assert Standpoint((1.0,) * 12, 30.0, 1.0, 4.0).middle == 2.0


def test_a_photograph_of_which_half_is_hidden_is_learned_from_as_a_whole():
    class Hidden(Fake):
        def load(self, index):
            photo = super().load(index)
            hidden = np.zeros_like(photo.hidden)
            hidden[:, : hidden.shape[1] // 2] = True
            return replace(photo, hidden=hidden)

    config = replace(CONFIG, training_halves=True, leave_out_hidden=True)
    family = PhotoTasks(config, Hidden())
    right = np.arange(SIZE * SIZE).reshape(SIZE, SIZE)[:, SIZE // 2 :].ravel()
    shown = [rows(config.observe(family.load(n)), right) for n in range(4)]
    task = family.training_tasks(0, 0, 3)
    for part in (task.support, task.query):
        one = jax.tree.map(lambda leaf: np.concatenate(leaf), part)
        assert rows_of(one) <= set().union(*map(rows_of, shown))
