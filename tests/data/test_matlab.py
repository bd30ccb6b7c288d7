"""MATLAB files: what SciPy writes is read, and whatever else is refused."""

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from scipy.io import savemat

from theta0.data._matlab import matlab_shapes, read_matlab
from theta0.data.ct import read_sinogram
from theta0.errors import InputError, InputWarning, trusting

from .ct.test_plausible import DEGREES, measured

ARRAYS = {"sinogram": measured(), "angles_deg": DEGREES}


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("oned_as", ["row", "column"])
def test_a_sinogram_is_the_same_from_matlab_and_numpy(tmp_path, compressed, oned_as):
    target = np.eye(8)
    more = {
        "beam": "fan", "source_distance": 2.0, "axis": np.uint8(15), "detector_spacing": 0.05,
        "target": target,
    }  # fmt: skip
    doubled = {**ARRAYS, "angles_deg": 2 * DEGREES}
    how = {"do_compression": compressed, "oned_as": oned_as}
    savemat(tmp_path / "scan.mat", {**doubled, **more}, **how)
    np.savez(tmp_path / "scan.npz", **doubled, **more)
    with trusting(True), pytest.warns(InputWarning, match="target does not fit the sinogram"):
        one, other = (read_sinogram(tmp_path / f"scan.{kind}") for kind in ("mat", "npz"))
    for name in ("values", "angles_rad", "target"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("beam", "source_distance", "spacing", "axis"):
        assert getattr(one, name) == getattr(other, name)


def test_one_view_is_read_and_version_4_is_not(tmp_path):
    savemat(tmp_path / "one.mat", {"sinogram": measured()[:1], "angles_deg": 0.0})
    assert read_sinogram(tmp_path / "one.mat").values.shape == (1, 32)
    savemat(tmp_path / "old.mat", ARRAYS, format="4")
    with pytest.raises(InputError, match=r"no header of version 5 to 7.*save.*-v7"):
        read_sinogram(tmp_path / "old.mat")


REFUSED = {
    "a struct": ({"sinogram": {"data": np.eye(3)}}, "sinogram is a struct"),
    "a cell": ({"sinogram": np.array([1, "x"], object)}, "sinogram is a cell"),
    "no sinogram": ({"sino": np.eye(9), "theta": 1.0}, "holds sino, theta, but no sinogram; call"),
    "another variable": ({**ARRAYS, "I0": 5.0}, "holds I0 beside the sinogram"),
    "complex": ({**ARRAYS, "sinogram": measured() * 1j}, "sinogram is complex, which is not read"),
    "transposed": ({**ARRAYS, "sinogram": measured().T}, "sinogram looks transposed"),
    "nothing": ({}, "holds nothing, but no sinogram"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_sinogram_is_refused_by_name(tmp_path, name):
    arrays, words = REFUSED[name]
    savemat(tmp_path / "scan.mat", arrays)
    with pytest.raises(InputError, match=rf"scan\.mat: {words}") as caught:
        read_sinogram(tmp_path / "scan.mat")
    assert "\n" not in str(caught.value)


def test_a_sparse_matrix_is_refused(tmp_path):
    from scipy.sparse import csc_array

    savemat(tmp_path / "scan.mat", {"sinogram": csc_array(np.eye(9))})
    with pytest.raises(InputError, match=r"sinogram is a sparse, .* full arrays"):
        read_sinogram(tmp_path / "scan.mat")


@pytest.mark.parametrize("offset", [0, 512])
def test_version_7_3_is_named_with_the_remedy(tmp_path, offset):
    path, start = tmp_path / "scan.mat", b"MATLAB 7.3 MAT-file".ljust(offset)[:offset]
    path.write_bytes(start + b"\x89HDF\r\n\x1a\n" + bytes(99))
    with pytest.raises(InputError, match=r"MATLAB 7.3 file .HDF5.*save\(..., '-v7'\)"):
        matlab_shapes(path)


@pytest.mark.parametrize("content", [b"", b"nothing", bytes(200), b"PK\x03\x04" + bytes(200)])
def test_what_is_no_matlab_file_is_refused(tmp_path, content):
    (tmp_path / "scan.mat").write_bytes(content)
    with pytest.raises(InputError, match=r"scan\.mat: "):
        read_sinogram(tmp_path / "scan.mat")


@pytest.mark.parametrize("kind", ["f4", "i1", "u2", "i8", ">f8", "?"])
def test_numbers_of_every_type_are_read_as_scipy_wrote_them(tmp_path, kind):
    values = np.arange(12).reshape(3, 4).astype(kind)
    savemat(tmp_path / "x.mat", {"sinogram": values})
    found = read_matlab(tmp_path / "x.mat")["sinogram"]
    np.testing.assert_array_equal(found, values)
    assert found.dtype.kind == values.dtype.kind and found.dtype.itemsize == values.dtype.itemsize


def test_damaged_files_are_read_or_refused(tmp_path):
    """Changed bytes raise nothing but an InputError."""
    path = tmp_path / "scan.mat"
    for compressed in (True, False):
        savemat(path, {**ARRAYS, "beam": "parallel"}, do_compression=compressed)
        whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
        for _ in range(60):
            damaged = bytearray(whole)
            for at in rng.integers(120, len(whole) if compressed else 400, 2):
                damaged[at] = rng.integers(0, 256)
            path.write_bytes(damaged[: rng.integers(130, 2 * len(whole))])
            try:
                read_matlab(path)
            except InputError:
                refused += 1
        assert refused > 2


@pytest.mark.slow
def test_a_compressed_variable_that_inflates_to_gigabytes_is_refused_before_it_is_read(tmp_path):
    path, inflate = tmp_path / "scan.mat", zlib.compressobj(9)
    block = b"".join(inflate.compress(bytes(1 << 24)) for _ in range(40)) + inflate.flush()
    savemat(path, {})
    path.write_bytes(path.read_bytes()[:128] + struct.pack("<II", 15, len(block)) + block)
    tracemalloc.start()
    with pytest.raises(InputError, match="holds an element of type 0"):
        read_matlab(path)
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
