"""Slices given as arrays are read as files of the same values are."""

import numpy as np
import pytest

from theta0.data.ct import read_slice
from theta0.errors import InputError, InputWarning
from theta0.signals import CTConfig, as_slice

HU = np.random.default_rng(0).integers(-1000, 1000, (6, 8))
UNIT = np.clip((HU + 1000) / 2000, 0, 1)


@pytest.mark.parametrize(
    "array, expected",
    [
        *((HU.astype(kind), UNIT) for kind in ("<i2", ">i2", "i4", "i8")),
        *((UNIT.astype(kind), UNIT) for kind in ("f4", "f8")),
        (np.round(UNIT * 255).astype(np.uint8), np.round(UNIT * 255) / 255),
        ((HU > 0), HU > 0),
        (UNIT * 1.0005, np.clip(UNIT * 1.0005, 0, 1)),
    ],
)
def test_an_array_and_a_file_of_the_same_values_give_the_same_slice(tmp_path, array, expected):
    np.save(tmp_path / "x.npy", array)
    given = as_slice(array)
    np.testing.assert_array_equal(given, read_slice(tmp_path / "x.npy"))
    np.testing.assert_allclose(given, expected, atol=1e-6)
    assert given.dtype == np.float32


def test_a_mask_is_read_as_0_and_1():
    with pytest.warns(InputWarning, match="the slice: holds 0 and 1 alone, so it is a mask"):
        np.testing.assert_array_equal(as_slice(np.eye(6, 8, dtype=np.uint8)), np.eye(6, 8))


@pytest.mark.parametrize(
    "array, message",
    [
        ((HU + 1000).astype(np.uint16), "dtype uint16, which may be Hounsfield units plus"),
        (np.where(HU > 0, np.nan, UNIT), "holds values that are not finite"),
        (HU.astype(np.float32), r"not in \[0, 1\]; scale them, or give Hounsfield units as signed"),
        (np.full((6, 8), 1064) - np.eye(6, 8, dtype=int), "subtract 1024"),
    ],
)
def test_an_array_and_a_file_of_the_same_values_are_refused_alike(tmp_path, array, message):
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(InputError, match=message) as given:
        as_slice(array)
    assert str(given.value).startswith("the slice")
    with pytest.raises(InputError, match=message):
        read_slice(tmp_path / "x.npy")


@pytest.mark.parametrize("array", [np.ones((2, 3, 4)), np.ones(4), np.array([["a", "b"]] * 2)])
def test_what_is_no_slice_is_refused_by_its_shape(array):
    with pytest.raises(InputError, match=r"give .height, width. numbers, or a theta0.Sinogram"):
        as_slice(array)


def test_signals_of_an_array_and_of_its_file_are_the_same(tmp_path):
    np.save(tmp_path / "x.npy", HU.astype(np.int16))
    config = CTConfig(size=8, rays=8)
    given = config.take(HU.astype(np.int16), 4).task.support.y
    np.testing.assert_array_equal(given, config.read(tmp_path / "x.npy", 4).task.support.y)
