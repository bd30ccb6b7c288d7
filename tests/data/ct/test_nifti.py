"""NIfTI: axial slices as radiology shows them, whatever the axes of the file."""

import gzip
import itertools
import sys

import numpy as np
import pytest

from theta0.data.ct import read_slice, read_slices
from theta0.errors import InputError, InputWarning, MissingExtra

from .hounsfield import random_hu, windowed

nibabel = pytest.importorskip("nibabel", reason="nibabel is not installed")

HU = random_hu(4, 6, 8)
"""Slices from the feet to the head, rows from front to back, columns from right to left."""


def write(path, voxels, affine):
    nibabel.save(nibabel.Nifti1Image(voxels, affine), path)
    return path


def lps(spacing=(1.0, 1.0, 3.0)):
    """Affine of voxels [left, back, head]: NIfTI counts to the right, the front and the head."""
    return np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flips", [(), (0,), (1, 2), (0, 1, 2)])
def test_any_order_and_direction_of_axes_gives_the_same_slices(tmp_path, axes, flips):
    image = nibabel.Nifti1Image(HU.T, lps((0.8, 0.8, 3.0)))
    turned = [[axis, -1 if axis in flips else 1] for axis in axes]
    image = image.as_reoriented(np.array(turned, float))
    nibabel.save(image, tmp_path / "x.nii")
    slices = read_slices(tmp_path / "x.nii")
    np.testing.assert_allclose(slices.pixels, windowed(HU), atol=1e-6)
    assert slices.names[0] == "x/0000" and set(slices.groups) == {"x"}


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz", "X.NII.GZ"])
@pytest.mark.parametrize("dtype", ["<i2", ">i2", "<i4", "<f4", "<f8"])
def test_types_and_compression(tmp_path, name, dtype):
    write(tmp_path / name.lower(), HU.T.astype(dtype), lps()).rename(tmp_path / name)
    np.testing.assert_allclose(read_slice(tmp_path / name, index=2), windowed(HU[2]), atol=1e-6)


def test_slope_and_intercept_are_applied(tmp_path):
    stored = ((HU + 1400.0) * 2).astype(np.uint16)
    path = write(tmp_path / "x.nii", stored.T, lps())
    content = bytearray(path.read_bytes())
    content[112:120] = np.array([0.5, -1400], "<f4").tobytes()  # nibabel would scale again
    path.write_bytes(content)
    np.testing.assert_allclose(read_slices(path).pixels, windowed(HU), atol=1e-6)


def test_pixels_that_are_not_square_are_resampled(tmp_path):
    path = write(tmp_path / "x.nii", HU.T, lps((0.5, 1.0, 2.0)))
    with pytest.warns(InputWarning, match=r"resampled to squares .6 x 8 to 12 x 8 pixels"):
        pixels = read_slices(path).pixels
    assert pixels.shape == (4, 12, 8)
    np.testing.assert_allclose(pixels.mean(), windowed(HU).mean(), atol=0.02)


def test_an_oblique_volume_is_noted(tmp_path):
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    path = write(tmp_path / "x.nii", HU.T, turn @ lps((1, 1, 1)))
    with pytest.warns(InputWarning, match="oblique by 17 degrees"):
        pixels = read_slices(path).pixels
    np.testing.assert_allclose(pixels, windowed(HU), atol=1e-6)


def test_without_an_orientation_it_is_read_as_stored_with_a_note(tmp_path):
    path = write(tmp_path / "x.nii", HU.T, None)
    with pytest.warns(InputWarning, match="qform and sform are 0"):
        pixels = read_slices(path).pixels
    np.testing.assert_allclose(pixels, windowed(HU), atol=1e-6)


@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 1), (8, 6, 1, 1)])
def test_a_single_slice_may_have_any_number_of_axes(tmp_path, shape):
    path = write(tmp_path / "x.nii", HU[0].T.reshape(shape), lps())
    np.testing.assert_allclose(read_slices(path).pixels, windowed(HU[:1]), atol=1e-6)


@pytest.mark.parametrize(
    "voxels, message",
    [
        (np.stack([HU.T, HU.T], -1), r"has 2 volumes \(shape \(8, 6, 4, 2\)\)"),
        (HU.T.astype(np.complex64), "voxels are complex64"),
        ((HU.T > 0).astype(np.uint8), "labels or grey levels, not Hounsfield units"),
        ((windowed(HU).T * 0.9).astype(np.float32), "only water in Hounsfield units"),
        (np.where(HU.T > 0, np.nan, HU.T).astype(np.float32), "not finite"),
        (HU.T[:1], "axial slices have 6 x 1 pixels"),
    ],
)
def test_what_is_no_volume_of_ct_is_refused(tmp_path, voxels, message):
    path = write(tmp_path / "x.nii", voxels, lps())
    with pytest.raises(InputError, match=message):
        read_slices(path)


@pytest.mark.parametrize("compress", [False, True])
def test_headers_are_not_trusted(tmp_path, compress):
    content = bytearray(write(tmp_path / "y.nii", HU.T, lps()).read_bytes())
    path = tmp_path / ("x.nii.gz" if compress else "x.nii")
    for place, number, message in (
        (42, 30_000, "declares|GiB of memory"),
        (46, 30_000, "declares|GiB of memory"),
        (0, 7, "does not begin as NIfTI files do"),
    ):
        changed = content.copy()
        changed[place : place + 2] = number.to_bytes(2, "little")
        changed[44:46] = (30_000).to_bytes(2, "little") if place == 42 else changed[44:46]
        path.write_bytes(gzip.compress(bytes(changed)) if compress else bytes(changed))
        with pytest.raises(InputError, match=message):
            read_slices(path)
    for offset in (1e12, -4.0, 100.0, 348.0, np.nan):
        changed = content.copy()
        changed[108:112] = np.float32(offset).tobytes()
        path.write_bytes(gzip.compress(bytes(changed)) if compress else bytes(changed))
        with pytest.raises(InputError, match="vox_offset"):
            read_slices(path)


def test_without_an_offset_voxels_begin_after_the_header(tmp_path):
    path = write(tmp_path / "x.nii", HU.T, lps())
    content = bytearray(path.read_bytes())
    content[108:112] = bytes(4)
    path.write_bytes(content)
    np.testing.assert_allclose(read_slices(path).pixels, windowed(HU), atol=1e-6)


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
def test_damaged_files_are_refused_in_one_line(tmp_path, name):
    path = write(tmp_path / name, HU.T, lps())
    content = path.read_bytes()
    for length in (0, 100, 348, len(content) - 30):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"x\.nii"):
            read_slices(path)
    path.write_bytes(b"no volume at all" * 40)
    with pytest.raises(InputError, match=r"x\.nii"):
        read_slices(path)


def test_a_damaged_archive_is_noticed_by_its_sum(tmp_path):
    content = bytearray(gzip.compress(write(tmp_path / "x.nii", HU.T, lps()).read_bytes(), 0))
    content[-100] ^= 1  # a voxel, stored as it is
    (tmp_path / "x.nii.gz").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be read as NIfTI .CRC check failed"):
        read_slices(tmp_path / "x.nii.gz")


def test_bytes_beyond_the_voxels_are_noted(tmp_path):
    path = write(tmp_path / "x.nii", HU.T, lps())
    path.write_bytes(path.read_bytes() + bytes(9))
    with pytest.warns(InputWarning, match="9 bytes or more after the voxels are left out"):
        np.testing.assert_allclose(read_slices(path).pixels, windowed(HU), atol=1e-6)


def test_an_archive_that_grows_without_bound_is_refused(tmp_path):
    header = bytearray(write(tmp_path / "y.nii", HU.T, lps()).read_bytes()[:352])
    header[42:46] = np.array([1 << 13] * 2, "<u2").tobytes()
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(bytes(header) + bytes(1 << 24)))
    with pytest.raises(InputError, match="more than 300 times as many"):
        read_slices(tmp_path / "x.nii.gz")


def test_missing_nibabel_names_the_install_command(tmp_path, monkeypatch):
    path = write(tmp_path / "x.nii", HU.T, lps())
    monkeypatch.setitem(sys.modules, "nibabel", None)
    with pytest.raises(MissingExtra, match=r"pip install 'theta0\[volumes\]'"):
        read_slices(path)
