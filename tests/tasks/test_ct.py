"""CT tasks: geometry, what the detector reads, and the same task for the same seed and step."""

from dataclasses import replace

import equinox as eqx
import numpy as np
import pytest
from scipy.spatial import KDTree
from skimage.transform import radon

from theta0.config import from_plain
from theta0.data.ct import phantom
from theta0.errors import InputError
from theta0.forward import Points
from theta0.tasks import CTConfig, Task, parallel_beam, pixel_coordinates, slice_integrals
from theta0.tasks._scans import PixelSlice, augmented

SMALL = CTConfig(size=16, rays=12, train=5, validation=3, test=3, training_views=4)


def blob(points, centre=(0.42, 0.56), width=0.08):
    """A Gaussian bump on the unit square."""
    return np.exp(-np.sum((points - np.array(centre)) ** 2, axis=-1) / (2 * width**2))


def smooth_slice(size):
    """Two bumps well inside the disc, at pixel centres."""
    points = pixel_coordinates(size, size).astype(np.float64)
    values = blob(points) + 0.5 * blob(points, (0.6, 0.35), 0.06)
    values[np.linalg.norm(points - 0.5, axis=-1) > 0.49] = 0  # below 1e-3 before
    return values.reshape(size, size).astype(np.float32)


def shapes(task):
    return [leaf.shape for leaf in (task.support.p.start, task.support.y, task.query.y)]


def test_rays_lie_where_the_docstring_says():
    segments = parallel_beam(np.array([0.0]), 4, chord=False)
    # Angle 0: rays run along the rows' axis, the detector along the columns.
    np.testing.assert_allclose(segments.start[:, 0], 0, atol=1e-7)
    np.testing.assert_allclose(segments.end[:, 0], 1, atol=1e-7)
    np.testing.assert_allclose(segments.start[:, 1], [0.125, 0.375, 0.625, 0.875], atol=1e-7)
    np.testing.assert_allclose(segments.end[:, 1], segments.start[:, 1], atol=1e-7)


@pytest.mark.parametrize("chord", [True, False])
def test_rays_are_parallel_evenly_spaced_and_centred(chord):
    angles, rays = np.array([0.3, 1.1, 2.9]), 6
    segments = parallel_beam(angles, rays, chord)
    start, end = (x.reshape(3, rays, 2).astype(np.float64) for x in (segments.start, segments.end))
    assert segments.start.dtype == np.float32
    along = np.stack([np.cos(angles), np.sin(angles)], axis=-1)[:, None]
    across = np.stack([-np.sin(angles), np.cos(angles)], axis=-1)[:, None]
    length = np.linalg.norm(end - start, axis=-1)
    np.testing.assert_allclose((end - start) / length[..., None], along + 0 * start, atol=1e-6)
    offsets = np.sum(((start + end) / 2 - 0.5) * across, axis=-1)
    expected = (np.arange(rays) + 0.5) / rays - 0.5
    np.testing.assert_allclose(offsets, np.broadcast_to(expected, offsets.shape), atol=1e-6)
    if chord:  # from rim to rim of the inscribed disc
        for ends in (start, end):
            np.testing.assert_allclose(np.linalg.norm(ends - 0.5, axis=-1), 0.5, atol=1e-6)
    else:
        np.testing.assert_allclose(length, 1, atol=1e-6)


def test_projections_agree_with_skimage():
    # An odd size, for skimage turns about the centre of pixel size // 2. Its rays have one sample
    # a pixel, ours two: for a smooth slice they differ by some thousandths.
    size, degrees = 65, np.array([0.0, 20.0, 45.0, 90.0, 135.0, 170.0])
    pixels = smooth_slice(size)
    segments = parallel_beam(np.deg2rad(degrees), size, chord=False)
    ours = slice_integrals(pixels, segments).reshape(len(degrees), size)
    theirs = radon(pixels, degrees, circle=True).T / size
    assert np.abs(ours - theirs).max() < 0.01 * ours.max()


def test_integrals_of_a_gaussian_are_its_closed_form():
    # Along a line at a distance d: width sqrt(2 pi) exp(-d^2 / 2 width^2).
    size, width, centre = 128, 0.08, np.array([0.42, 0.56])
    pixels = blob(pixel_coordinates(size, size)).reshape(size, size).astype(np.float32)
    angles = np.linspace(0, np.pi, 7, endpoint=False)
    segments = parallel_beam(angles, 32, chord=True)
    direction = segments.end - segments.start
    direction = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    to_centre = centre - segments.start
    distance = to_centre[:, 0] * direction[:, 1] - to_centre[:, 1] * direction[:, 0]
    expected = width * np.sqrt(2 * np.pi) * np.exp(-(distance**2) / (2 * width**2))
    # Bilinear interpolation widens the bump's variance by some (1 / size)^2 / 4: 0.2 per cent.
    np.testing.assert_allclose(slice_integrals(pixels, segments), expected, atol=1e-3)


def test_phantom_projections_are_closed_forms_and_the_slices_agree():
    tasks = CTConfig(size=128, rays=32, train=2).build()
    task = tasks.held_out("test", 0, views=5)
    exact = phantom(2, 0).line_integrals(task.support.p.start, task.support.p.end)
    np.testing.assert_allclose(task.support.y[:, 0], exact, rtol=1e-6)
    from_pixels = slice_integrals(tasks.pictures(task.query.y)[0, ..., 0], task.support.p)
    # Pixels turn edges into stairs; a ray along an edge sees much of it, most rays a fraction of
    # a pixel of density 1.
    assert np.abs(from_pixels - exact).mean() < 0.5 / 128


def test_the_mean_is_the_integral_over_the_length():
    sums = SMALL.build().held_out("test", 1, 3).support
    config = CTConfig(**{**vars(SMALL), "measure": "mean"})
    means = config.build().held_out("test", 1, 3).support
    length = np.linalg.norm(sums.p.end - sums.p.start, axis=1, keepdims=True)
    np.testing.assert_allclose(means.y * length, sums.y, atol=1e-6)


@pytest.mark.parametrize("angles", ["random", "even"])
@pytest.mark.parametrize("query_pixels", [None, 20])
def test_the_same_seed_and_step_give_the_same_task(angles, query_pixels):
    config = CTConfig(**{**vars(SMALL), "training_angles": angles, "query_pixels": query_pixels})
    one, other = config.build(), config.build()
    other.training_tasks(0, 0, 3)  # what came before does not matter
    a, b = one.training_tasks(7, 5, 2), other.training_tasks(7, 5, 2)
    assert isinstance(a, Task) and bool(eqx.tree_equal(a, b))
    for seed, step in ((7, 6), (8, 5)):
        assert not eqx.tree_equal(a, one.training_tasks(seed, step, 2))
    expected = [(2, 48, 2), (2, 48, 1), (2, 48 if query_pixels is None else 20, 1)]
    assert all(shapes(one.training_tasks(0, step, 2)) == expected for step in range(5))
    assert all(leaf.dtype == np.float32 for leaf in (a.support.y, a.query.y, a.support.p.start))


def test_even_angles_are_evenly_spaced():
    config = CTConfig(**{**vars(SMALL), "training_angles": "even"})
    for step in range(4):
        p = config.build().training_tasks(0, step, 1).support.p
        along = (p.end - p.start)[0].reshape(4, 12, 2)[:, 6]
        angles = np.sort(np.arctan2(along[:, 1], along[:, 0]) % np.pi)
        np.testing.assert_allclose(np.diff(angles), np.pi / 4, atol=1e-5)


def test_fixed_angles_are_those_of_the_test():
    config = CTConfig(**{**vars(SMALL), "training_angles": "fixed"})
    tasks = config.build()
    held_out = tasks.held_out("test", 0, 4).support.p
    for step in range(2):
        support = tasks.training_tasks(0, step, 1).support.p
        np.testing.assert_array_equal(support.start[0], held_out.start)
        np.testing.assert_array_equal(support.end[0], held_out.end)


def test_steps_draw_among_the_numbers_of_views():
    config = CTConfig(**{**vars(SMALL), "also_views": (1, 3)})
    tasks = config.build()
    rays = [tasks.training_tasks(7, step, 2).support.y.shape[1] for step in range(30)]
    assert set(rays) == {12, 36, 48}
    assert rays == [tasks.training_tasks(7, step, 2).support.y.shape[1] for step in range(30)]
    with pytest.raises(InputError, match="also_views"):
        CTConfig(also_views=(2, 0))


def test_an_augmented_slice_is_measured_as_it_is_shown():
    size = 24
    slice = PixelSlice(smooth_slice(size))
    shown = [augmented(slice, 1.0, np.random.default_rng(seed)) for seed in range(6)]
    segments = parallel_beam(np.array([0.4, 2.0]), 20, True)
    for one in shown:
        picture = one.picture()
        assert picture.shape == (size, size)
        # Of the same kind: as bright, nearly as much of it, but elsewhere.
        assert picture.max() == pytest.approx(slice.picture().max(), rel=0.15)
        assert picture.sum() == pytest.approx(slice.picture().sum(), rel=0.45)
        assert np.abs(picture - slice.picture()).max() > 0.05
        np.testing.assert_array_equal(one.integrals(segments), slice_integrals(picture, segments))
    assert len({one.picture().tobytes() for one in shown}) == 6
    # Without strength only mirrored or not.
    either = [slice.picture(), slice.picture()[:, ::-1]]
    still = [augmented(slice, 0.0, np.random.default_rng(seed)).picture() for seed in range(8)]
    found = {min((0, 1), key=lambda i: np.abs(one - either[i]).max()) for one in still}
    assert found == {0, 1}
    assert all(min(np.abs(one - other).max() for other in either) < 1e-5 for one in still)


def test_only_training_slices_are_augmented():
    config = CTConfig(**{**vars(SMALL), "augment": 1.0, "query_pixels": 256})
    tasks, plain = config.build(), SMALL.build()
    same = tasks.held_out("validation", 1, 2), plain.held_out("validation", 1, 2)
    np.testing.assert_array_equal(same[0].support.y, same[1].support.y)
    np.testing.assert_array_equal(same[0].query.y, same[1].query.y)
    task = tasks.training_tasks(0, 0, 1)
    values = np.sort(np.asarray(task.query.y[0, :, 0]))
    pictures = [np.sort(plain._scans.slice("train", i).picture().ravel()) for i in range(5)]
    assert all(np.abs(values - picture).max() > 0.01 for picture in pictures)
    np.testing.assert_array_equal(task.query.y, tasks.training_tasks(0, 0, 1).query.y)
    for strength in (-1.0, float("nan")):
        with pytest.raises(InputError, match="augment"):
            CTConfig(augment=strength)


def test_query_pixels_are_distinct_pixels_of_the_slice():
    config = CTConfig(**{**vars(SMALL), "query_pixels": 200})
    tasks = config.build()
    task = tasks.training_tasks(0, 0, 1)
    points = np.asarray(task.query.p[0])
    assert len(np.unique(points, axis=0)) == 200
    pictures = [tasks._scans.slice("train", index).picture() for index in range(5)]
    rows, columns = np.floor(points * 16).astype(int).T
    assert any(np.array_equal(p[rows, columns], task.query.y[0, :, 0]) for p in pictures)
    assert isinstance(tasks.training_query_forward, Points)


def test_splits_of_phantoms_are_disjoint_and_do_not_depend_on_sizes():
    pictures = lambda tasks, split: [
        tasks._scans.slice(split, i).picture() for i in range(tasks.size(split))
    ]
    tasks = SMALL.build()
    every = [
        p.tobytes() for split in ("train", "validation", "test") for p in pictures(tasks, split)
    ]
    assert len(set(every)) == len(every) == 11
    more = CTConfig(**{**vars(SMALL), "train": 9, "validation": 7}).build()
    for split in ("train", "validation", "test"):
        for a, b in zip(pictures(tasks, split), pictures(more, split), strict=False):
            np.testing.assert_array_equal(a, b)


def test_slices_of_a_file_are_split_by_patient(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.random((12, 16, 16)).astype(np.float32)
    patients = [f"p{i // 3}" for i in range(12)]
    np.savez(tmp_path / "scans.npz", hu=2000 * pixels - 1000, patient=patients)
    config = CTConfig(**{**vars(SMALL), "source": str(tmp_path / "scans.npz"), "test": 3})
    tasks = config.build()
    sizes = [tasks.size(split) for split in ("train", "validation", "test")]
    assert sizes == [6, 3, 3]
    target = tasks.held_out("test", 0, 2).query.y.reshape(16, 16)
    assert any(np.allclose(target, p, atol=1e-6) for p in pixels)


def test_held_out_slices_are_seen_from_even_views_and_judged_on_all_pixels():
    tasks = SMALL.build()
    task = tasks.held_out("validation", 2, views=3)
    assert shapes(task) == [(36, 2), (36, 1), (256, 1)]
    np.testing.assert_array_equal(
        task.support.p.start, parallel_beam(np.array([0, 1, 2]) * np.pi / 3, 12, True).start
    )
    assert shapes(tasks.held_out("validation", 2)) == [(48, 2), (48, 1), (256, 1)]
    for views in (0, -1):
        with pytest.raises(InputError, match=f"views={views}"):
            tasks.held_out("validation", 2, views)


@pytest.mark.parametrize("beam", ["parallel", "fan"])
def test_what_no_ray_can_reach_is_shown_as_air_and_not_judged(beam):
    config = replace(SMALL, size=32, rays=64, beam=beam)
    tasks = config.build()
    shown = tasks.pictures(np.ones((1024, 2)))[0]
    assert np.isin(shown, [0, 1]).all() and (shown[..., 0] == shown[..., 1]).all()
    # Rays of many views, sampled densely, meet a pixel's centre to half a pixel or never do.
    rays = tasks.held_out("test", 0, views=90).support.p
    t = np.linspace(0, 1, 200)[:, None, None]
    points = (rays.start + t * (rays.end - rays.start)).reshape(-1, 2)
    far, _ = KDTree(points).query(pixel_coordinates(32, 32))
    far = far.reshape(32, 32)
    assert far[shown[..., 0] == 1].max() < 0.5 / 32 < 1.5 / 32 < far[0, 0]
    radius = np.linalg.norm(pixel_coordinates(32, 32) - 0.5, axis=1).reshape(32, 32)
    np.testing.assert_array_equal(shown[..., 0], radius <= 0.5)

    (whole,) = replace(config, beam="parallel", chord=False).build().pictures(np.ones(1024))
    assert (whole == 1).all()


def test_the_mean_signal_is_the_mean_of_the_training_slices():
    tasks = SMALL.build()
    expected = np.mean([tasks._scans.slice("train", i).picture() for i in range(5)], axis=0)
    np.testing.assert_allclose(
        tasks.pictures(tasks.mean_signal().y)[0, ..., 0], expected, atol=1e-6
    )


def test_a_slice_of_the_users(tmp_path):
    np.save(tmp_path / "slice.npy", smooth_slice(20)[:12])
    signal = SMALL.read(tmp_path / "slice.npy", views=2)
    assert (signal.side, signal.own_side, signal.pixel_offset) == (16, 20, 0.5)
    assert shapes(signal.task) == [(24, 2), (24, 1), (256, 1)]
    whole = replace(SMALL, chord=False).read(tmp_path / "slice.npy", views=2)
    values = np.arange(1.0, 257).reshape(-1, 1)
    np.testing.assert_array_equal(signal.pictures(values), SMALL.build().pictures(values))
    np.testing.assert_array_equal(whole.pictures(values).ravel(), values.ravel())


def test_settings_saved_before_there_were_other_scanners_are_those_of_this_one():
    old = {
        "version": 1, "source": None, "size": 128, "train": 2048, "validation": 16, "test": 64,
        "phantom_seed": 0, "training_views": 20, "training_angles": "random", "query_pixels": None,
        "rays": 128, "chord": True, "measure": "sum", "pixel_offset": 0.5,
    }  # fmt: skip
    assert from_plain(old, CTConfig, "config.json") == CTConfig()
    assert (CTConfig().beam, CTConfig().photons, CTConfig().noise) == ("parallel", None, 0.0)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"size": 0}, "size is 0"), ({"rays": -1}, "rays is -1"), ({"train": 0}, "train is 0"),
        ({"rays": 1}, "rays is 1; give at least 2 detector pixels"),
        ({"training_views": 0}, "training_views is 0"), ({"query_pixels": 0}, "query_pixels is 0"),
        ({"query_pixels": 257}, "only 256 pixels"), ({"phantom_seed": -1}, "phantom_seed is -1"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        CTConfig(**{**vars(SMALL), **change})
