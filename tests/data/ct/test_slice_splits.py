"""Slices split by patient or as defined by the file, and constant slices."""

import numpy as np
import pytest

from theta0.data.ct import read_slice_splits
from theta0.errors import InputError
from theta0.signals import CTConfig, SliceFile


def slices(count, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (count, 8, 8)).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_authors_split_is_kept_and_validation_cut_from_its_end(tmp_path, dtype):
    train, test = slices(9), slices(5, 1)
    if dtype == np.uint8:
        train, test = (np.round(255 * x).astype(np.uint8) for x in (train, test))
    np.savez(tmp_path / "data_ct.npz", data_train=train, data_test=test)
    parts = read_slice_splits(tmp_path / "data_ct.npz", 8, validation=2, test=3)
    scale = np.float32(255 if dtype == np.uint8 else 1)
    for found, expected in (
        (parts.train, train[:7]), (parts.validation, train[7:]), (parts.test, test[:3]),
    ):  # fmt: skip
        np.testing.assert_array_equal(found, expected / scale)
    assert parts.skipped == ()


def test_a_preset_trains_on_the_authors_file(tmp_path):
    np.savez(tmp_path / "x.npz", data_train=slices(9), data_test=slices(5, 1))
    config = CTConfig(SliceFile(validation=2, test=64), size=8, rays=4).with_path(
        str(tmp_path / "x.npz")
    )
    tasks = config.build()
    assert [tasks.size(name) for name in ("train", "validation", "test")] == [7, 2, 5]


def test_the_authors_file_may_leave_none_for_training(tmp_path):
    np.savez(tmp_path / "x.npz", data_train=slices(9), data_test=slices(5, 1))
    with pytest.raises(InputError, match=r"data_train holds 9 slices.*validation=9; ask for fewer"):
        read_slice_splits(tmp_path / "x.npz", 8, validation=9, test=3)


def test_slices_beyond_the_window_are_left_out_and_named(tmp_path):
    hu = (2000 * slices(6) - 1000).astype(np.int16)
    hu[1], hu[4] = -1024, 3000  # air at one end of a scan, metal
    names = np.array([f"s{i}" for i in range(6)])
    np.savez(tmp_path / "x.npz", hu=hu, names=names, patient=names)
    parts = read_slice_splits(tmp_path / "x.npz", 8, validation=1, test=1)
    kept = np.concatenate([parts.train, parts.validation, parts.test])
    expected = np.clip((hu[[0, 2, 3, 5]] + 1000) / 2000, 0, 1)
    order = lambda stack: sorted(x.tobytes() for x in np.round(stack, 4).astype(np.float32))
    assert order(kept) == order(expected)
    (low, why_low), (high, why_high) = parts.skipped
    assert (low, high) == ("s1", "s4")
    assert "is 0 everywhere, at or below" in why_low and "is 1 everywhere, at or above" in why_high


def test_a_copy_of_a_slice_is_left_out_wherever_it_would_count_twice(tmp_path):
    hu = (2000 * slices(12) - 1000).astype(np.int16)
    people = np.array([f"p{i // 2}" for i in range(12)])
    names = np.array([f"s{i}" for i in range(12)])
    path = tmp_path / "x.npz"
    np.savez(path, hu=hu, names=names, patient=people)
    before = read_slice_splits(path, 8, validation=2, test=2)
    assert before.skipped == ()
    number = lambda pixels: int(
        np.abs(np.clip((hu + 1000) / 2000, 0, 1) - pixels).max((1, 2)).argmin()
    )
    tested, trained = number(before.test[0]), number(before.train[0])
    # A copy within a patient, and a copy of a test slice in the training set.
    hu[tested ^ 1] = hu[trained] = hu[tested]
    np.savez(path, hu=hu, names=names, patient=people)
    after = read_slice_splits(path, 8, validation=2, test=2)
    np.testing.assert_array_equal(after.test, before.test[:1])
    np.testing.assert_array_equal(after.validation, before.validation)
    np.testing.assert_array_equal(after.train, before.train[1:])
    why = f"the same slice as s{tested}"
    assert sorted(after.skipped) == sorted([(f"s{trained}", why), (f"s{tested ^ 1}", why)])
    hu[:] = hu[0]
    np.savez(path, hu=hu, names=names, patient=people)
    with pytest.raises(InputError, match="is a copy of another; add slices"):
        read_slice_splits(path, 8, validation=2, test=2)


def test_a_file_of_nothing_but_air_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", hu=np.full((3, 8, 8), -1000, np.int16))
    with pytest.raises(InputError, match="all slices are constant; the first is 0 everywhere"):
        read_slice_splits(tmp_path / "x.npz", 8, 1, 1)


def test_a_sinogram_is_refused_for_training(tmp_path):
    np.savez(tmp_path / "x.npz", sinogram=slices(1)[0], angles_deg=np.arange(8))
    with pytest.raises(InputError, match="a measured sinogram, which can be fitted"):
        read_slice_splits(tmp_path / "x.npz", 8, 1, 1)
