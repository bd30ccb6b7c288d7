"""CT tasks: what the detector reads, what is judged, the same task for the same seed and step."""

from dataclasses import replace

import equinox as eqx
import numpy as np
import pytest
from scipy.spatial import KDTree

from theta0.config import from_plain
from theta0.data.ct import phantom
from theta0.errors import InputError
from theta0.forward import Points
from theta0.signals import (
    CTConfig,
    Phantoms,
    PlanarSignal,
    SliceFile,
    Task,
    parallel_beam,
    pixel_coordinates,
    slice_integrals,
)

SMALL = CTConfig(Phantoms(5, 3, 3), size=16, rays=12, training_views=4)


def shapes(task):
    return [leaf.shape for leaf in (task.support.p.start, task.support.y, task.query.y)]


def test_phantom_projections_are_closed_forms_and_the_slices_agree():
    tasks = CTConfig(Phantoms(train=2), size=128, rays=32).build()
    task = tasks.held_out("test", 0, views=5)
    exact = phantom(2, 0).line_integrals(task.support.p.start, task.support.p.end)
    np.testing.assert_allclose(task.support.y[:, 0], exact, rtol=1e-6)
    from_pixels = slice_integrals(tasks.pictures(task.query.y)[0, ..., 0], task.support.p)
    # Pixels turn edges into stairs; a ray along an edge sees much of it, most rays a fraction of
    # a pixel of density 1.
    assert np.abs(from_pixels - exact).mean() < 0.5 / 128


def test_the_mean_is_the_integral_over_the_length():
    sums = SMALL.build().held_out("test", 1, 3).support
    config = replace(SMALL, measure="mean")
    means = config.build().held_out("test", 1, 3).support
    length = np.linalg.norm(sums.p.end - sums.p.start, axis=1, keepdims=True)
    np.testing.assert_allclose(means.y * length, sums.y, atol=1e-6)


@pytest.mark.parametrize("angles", ["random", "even"])
@pytest.mark.parametrize("query_pixels", [None, 20])
def test_the_same_seed_and_step_give_the_same_task(angles, query_pixels):
    config = replace(SMALL, training_angles=angles, query_pixels=query_pixels)
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
    config = replace(SMALL, training_angles="even")
    for step in range(4):
        p = config.build().training_tasks(0, step, 1).support.p
        along = (p.end - p.start)[0].reshape(4, 12, 2)[:, 6]
        angles = np.sort(np.arctan2(along[:, 1], along[:, 0]) % np.pi)
        np.testing.assert_allclose(np.diff(angles), np.pi / 4, atol=1e-5)


def test_fixed_angles_are_those_of_the_test():
    config = replace(SMALL, training_angles="fixed")
    tasks = config.build()
    held_out = tasks.held_out("test", 0, 4).support.p
    for step in range(2):
        support = tasks.training_tasks(0, step, 1).support.p
        np.testing.assert_array_equal(support.start[0], held_out.start)
        np.testing.assert_array_equal(support.end[0], held_out.end)


def test_steps_draw_among_the_numbers_of_views():
    config = replace(SMALL, also_views=(1, 3))
    tasks = config.build()
    rays = [tasks.training_tasks(7, step, 2).support.y.shape[1] for step in range(30)]
    assert set(rays) == {12, 36, 48}
    assert rays == [tasks.training_tasks(7, step, 2).support.y.shape[1] for step in range(30)]
    with pytest.raises(InputError, match="also_views"):
        CTConfig(also_views=(2, 0))


def test_only_training_slices_are_augmented():
    config = replace(SMALL, augment=1.0, query_pixels=256)
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
    config = replace(SMALL, query_pixels=200)
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
    more = replace(SMALL, source=Phantoms(9, 7, 3)).build()
    for split in ("train", "validation", "test"):
        for a, b in zip(pictures(tasks, split), pictures(more, split), strict=False):
            np.testing.assert_array_equal(a, b)


def test_slices_of_a_file_are_split_by_patient(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.random((12, 16, 16)).astype(np.float32)
    patients = [f"p{i // 3}" for i in range(12)]
    np.savez(tmp_path / "scans.npz", hu=2000 * pixels - 1000, patient=patients)
    config = replace(SMALL, source=SliceFile(str(tmp_path / "scans.npz"), 3, 3))
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
    np.save(tmp_path / "slice.npy", np.linspace(0, 1, 240, dtype=np.float32).reshape(12, 20))
    signal = SMALL.read(tmp_path / "slice.npy", views=2)
    assert isinstance(signal, PlanarSignal)
    assert (signal.side, signal.own_side, signal.pixel_offset) == (16, 20, 0.5)
    assert shapes(signal.task) == [(24, 2), (24, 1), (256, 1)]
    whole = replace(SMALL, chord=False).read(tmp_path / "slice.npy", views=2)
    values = np.arange(1.0, 257).reshape(-1, 1)
    np.testing.assert_array_equal(signal.pictures(values), SMALL.build().pictures(values))
    np.testing.assert_array_equal(whole.pictures(values).ravel(), values.ravel())


def test_settings_that_a_file_leaves_out_are_those_of_a_plain_scanner():
    plain = {"version": 2, "source": {"kind": "Phantoms"}, "size": 128, "rays": 128, "chord": True}
    assert from_plain(plain, CTConfig, "config.json") == CTConfig()
    assert (CTConfig().beam, CTConfig().photons, CTConfig().noise) == ("parallel", None, 0.0)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"size": 0}, "size is 0"), ({"rays": -1}, "rays is -1"),
        ({"rays": 1}, "rays is 1; give at least 2 detector pixels"),
        ({"training_views": 0}, "training_views is 0"), ({"query_pixels": 0}, "query_pixels is 0"),
        ({"query_pixels": 257}, "only 256 pixels"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        replace(SMALL, **change)


@pytest.mark.parametrize(
    "settings, words",
    [
        ({"train": 0}, "train is 0"), ({"seed": -1}, "seed is -1"),
        ({"validation": -1}, "validation is -1"), ({"test": -2}, "test is -2"),
    ],
)  # fmt: skip
def test_phantoms_that_cannot_be_are_refused(settings, words):
    with pytest.raises(InputError, match=words):
        Phantoms(**settings)
