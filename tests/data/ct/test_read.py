"""CT slices from NumPy files and pictures: valid values, and how arrays are chosen."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from theta0.data.ct import Window, read_npz, read_slice, read_slices
from theta0.errors import InputError, InputWarning

from .hounsfield import random_hu, windowed

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "ct"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "float32", "float64"])
def test_hounsfield_units_are_read_and_windowed(tmp_path, save, order, dtype):
    hu = random_hu()
    path = tmp_path / "scan.npz"
    stored = np.asarray(hu, dtype=dtype, order=order)
    save(path, hu=stored, names=np.array(["a", "b", "c"]), patient=np.array(["p", "q", "p"]))
    slices = read_npz(path, Window(-500.0, 700.0))
    assert slices.pixels.dtype == np.float32
    np.testing.assert_allclose(slices.pixels, windowed(hu, -500, 700), atol=1e-6)
    assert (slices.names, slices.groups) == (("a", "b", "c"), ("p", "q", "p"))
    assert slices.window == Window(-500.0, 700.0) and len(slices) == 3


def test_without_patients_a_hounsfield_file_is_one_patient(tmp_path):
    np.savez(tmp_path / "head.npz", hu=random_hu(), spacing=np.ones(3))
    slices = read_npz(tmp_path / "head.npz")
    assert slices.groups == ("head",) * 3
    assert slices.names == ("head/0000", "head/0001", "head/0002")


def test_a_single_slice_needs_no_leading_axis(tmp_path):
    np.savez(tmp_path / "x.npz", hu=random_hu()[0])
    assert read_npz(tmp_path / "x.npz").pixels.shape == (1, 5, 7)


def test_arrays_in_the_unit_range_are_chosen_by_key_and_not_windowed(tmp_path):
    train, test = np.random.default_rng(0).uniform(0, 1, (2, 4, 6, 6))
    np.savez(tmp_path / "x.npz", data_train=train, data_test=test)
    slices = read_npz(tmp_path / "x.npz", key="data_test")
    np.testing.assert_array_equal(slices.pixels, test.astype(np.float32))
    assert slices.window is None and slices.groups == slices.names
    with pytest.raises(InputError, match="has no array 'hu'; choose one of"):
        read_npz(tmp_path / "x.npz", key="hu")


def test_of_several_arrays_the_authors_test_slices_are_read_and_others_chosen(tmp_path):
    train, test = np.random.default_rng(0).uniform(0, 1, (2, 4, 6, 6))
    np.savez(tmp_path / "x.npz", data_train=train, data_test=test)
    np.testing.assert_array_equal(read_npz(tmp_path / "x.npz").pixels, test.astype(np.float32))
    np.savez(tmp_path / "y.npz", a=train, b=test)
    with pytest.raises(InputError, match="no array was chosen; choose one of a, b"):
        read_npz(tmp_path / "y.npz")
    np.savez(tmp_path / "z.npz")
    with pytest.raises(InputError, match=r"z\.npz: holds no array"):
        read_npz(tmp_path / "z.npz")


def test_bytes_span_the_unit_range(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (3, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "x.npz", data=values)
    np.testing.assert_array_equal(read_npz(tmp_path / "x.npz").pixels, values / np.float32(255))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int64, bool])
def test_masks_are_read_as_0_and_1(tmp_path, dtype):
    mask = (random_hu() > 0).astype(dtype)
    np.save(tmp_path / "x.npy", mask)
    np.savez(tmp_path / "x.npz", data=mask)
    for name in ("x.npy", "x.npz"):
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            np.testing.assert_array_equal(read_slices(tmp_path / name).pixels, mask)
        words = [str(one.message) for one in noted]
        assert len(words) == (dtype is not bool)
        assert all("holds 0 and 1 alone, so it is a mask" in text for text in words)


def test_unit_range_is_checked(tmp_path):
    np.savez(tmp_path / "x.npz", data=random_hu())
    with pytest.raises(InputError, match=r"'x/0000' has values from -\d+ to \d+, not in \[0, 1\]"):
        read_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_numbers_name_their_slice(tmp_path, bad):
    hu = random_hu().astype(np.float32)
    hu[1, 2, 3] = bad
    np.savez(tmp_path / "x.npz", hu=hu, names=np.array(["a", "b", "c"]))
    with pytest.raises(InputError, match=r"x\.npz: slice 'b' holds values that are not finite"):
        read_npz(tmp_path / "x.npz")


def test_constant_slices_are_accepted(tmp_path):
    np.savez(tmp_path / "x.npz", hu=np.zeros((2, 4, 4), np.int16))
    np.testing.assert_array_equal(read_npz(tmp_path / "x.npz").pixels, np.full((2, 4, 4), 0.5))


@pytest.mark.parametrize(
    "shape", [(0, 4, 4), (3, 0, 4), (3, 1, 1), (4,), (), (2, 4, 4, 3)], ids=str
)
def test_shapes_that_are_no_slices_are_refused(tmp_path, shape):
    np.savez(tmp_path / "x.npz", hu=np.zeros(shape, np.int16))
    with pytest.raises(InputError, match="slices are"):
        read_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("field", ["names", "patient"])
def test_names_and_patients_must_be_as_many_as_slices(tmp_path, field):
    np.savez(tmp_path / "x.npz", hu=random_hu(), **{field: np.array(["a", "b"])})
    with pytest.raises(InputError, match="3 slices but"):
        read_npz(tmp_path / "x.npz")


def test_the_limit_counts_the_float32_result_too(tmp_path):
    np.savez(tmp_path / "x.npz", hu=np.zeros((2, 10, 10), np.int8))
    needed = 200 + 4 * 200 + 16 * 100  # as stored, as float32, and one slice in work
    assert len(read_npz(tmp_path / "x.npz", max_bytes=needed)) == 2
    with pytest.raises(InputError, match="more than the limit"):
        read_npz(tmp_path / "x.npz", max_bytes=needed - 1)
    with pytest.raises(InputError, match=r"array 'hu': needs .* more than the limit"):
        read_npz(tmp_path / "x.npz", max_bytes=999)  # before it is read


def test_npy_integers_are_hounsfield_units_and_floats_are_in_range(tmp_path):
    hu = random_hu()
    np.save(tmp_path / "hu.npy", hu)
    np.testing.assert_allclose(read_slice(tmp_path / "hu.npy", index=2), windowed(hu[2]), atol=1e-6)
    np.save(tmp_path / "unit.npy", windowed(hu[0]))
    np.testing.assert_allclose(read_slice(tmp_path / "unit.npy"), windowed(hu[0]), atol=1e-7)
    np.save(tmp_path / "floats.npy", hu.astype(np.float32))
    with pytest.raises(InputError, match=r"not in \[0, 1\]; scale them, or give Hounsfield"):
        read_slice(tmp_path / "floats.npy")


def test_pictures_are_read_as_grey(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "x.png")
    np.testing.assert_allclose(read_slice(tmp_path / "x.png"), grey / 255, atol=1e-6)
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "red.png")
    with pytest.raises(InputError, match=r"red\.png: a colour picture, but CT slices are grey"):
        read_slice(tmp_path / "red.png")


def test_a_stack_without_air_is_noted(tmp_path):
    np.save(tmp_path / "x.npy", np.abs(random_hu()) // 2)
    with pytest.warns(InputWarning, match="no value is below 0, as those of air are"):
        read_slices(tmp_path / "x.npy")


@pytest.mark.parametrize("index", [-1, 3])
def test_slices_that_are_not_there_name_the_choices(tmp_path, index):
    np.save(tmp_path / "x.npy", random_hu())
    with pytest.raises(InputError, match=rf"has no slice {index}; choose an index from 0 to 2"):
        read_slice(tmp_path / "x.npy", index=index)


def test_a_key_is_refused_where_there_are_no_arrays(tmp_path):
    np.save(tmp_path / "x.npy", random_hu())
    with pytest.raises(InputError, match=r"key='hu' names an array of an \.npz file"):
        read_slice(tmp_path / "x.npy", key="hu")


def test_real_slices_load_with_their_patients():
    path = SHARED / "ct100_shared_256.npz"
    if not path.is_file():
        pytest.skip("the chest CT slices are not at hand")
    slices = read_slices(path)
    assert slices.pixels.shape == (65, 256, 256) and len(set(slices.groups)) == 34
    # Lungs and the air around are near 0, soft tissue (0 to 100 HU) near 0.5.
    assert (slices.pixels < 0.15).mean() > 0.2 and (abs(slices.pixels - 0.52) < 0.05).mean() > 0.15


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda hu: hu + 1024, "subtract 1024"),
        (lambda hu: (hu + 1000) / 2000, "give values in .0, 1. as floats .* under another name"),
    ],
)
def test_what_cannot_be_hounsfield_units_is_refused(tmp_path, change, message):
    """Air around tissue with a bone, as stored by other programs."""
    hu = np.full((1, 16, 16), -1000.0)
    hu[0, 4:12, 4:12], hu[0, 6, 6] = 40, 1000
    np.savez(tmp_path / "x.npz", hu=hu)
    assert len(read_slices(tmp_path / "x.npz")) == 1
    np.savez(tmp_path / "x.npz", hu=change(hu))
    with pytest.raises(InputError, match=message):
        read_slices(tmp_path / "x.npz")
