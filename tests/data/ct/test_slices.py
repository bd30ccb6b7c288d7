"""CT slices from NumPy files and pictures: exact windows, and files that lie are refused."""

import io
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib import format as npy
from PIL import Image

from theta0.data.ct import Window, read_npz, read_slice, read_slices, resize_slices
from theta0.errors import InputError

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "ct"


def random_hu(count: int = 3, height: int = 5, width: int = 7) -> np.ndarray:
    shape = (count, height, width)
    return np.random.default_rng(0).integers(-1200, 1800, shape, dtype=np.int16)


def windowed(hu: np.ndarray, low: float = -1000, high: float = 1000) -> np.ndarray:
    return np.clip((hu.astype(np.float64) - low) / (high - low), 0, 1)


def header(shape: tuple[int, ...], dtype: str = "<i2", fortran: bool = False) -> bytes:
    """The start of an .npy file that may promise anything."""
    stream = io.BytesIO()
    npy.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": fortran, "shape": shape})
    return stream.getvalue()


def zipped(path: Path, content: bytes, name: str = "hu.npy") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


@settings(deadline=None)
@given(
    hnp.arrays(np.float32, (2, 3), elements=st.floats(-3000, 3000, width=32)),
    st.floats(-1500, 0),
    st.floats(1, 2000),
)
def test_window_is_linear_and_clipped(hu, low, high):
    # float32 keeps 1e-7 of 4500 HU, over a window of at least 1 HU.
    atol = 1e-6 + 1e-3 / (high - low)
    np.testing.assert_allclose(Window(low, high).apply(hu), windowed(hu, low, high), atol=atol)


@pytest.mark.parametrize(
    "limits", [(0.0, 0.0), (1.0, 0.0), (float("nan"), 1.0), (0.0, float("inf"))]
)
def test_impossible_windows_are_refused(limits):
    with pytest.raises(InputError, match="window: low="):
        Window(*limits)


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


def test_unit_range_is_checked(tmp_path):
    np.savez(tmp_path / "x.npz", data=random_hu())
    with pytest.raises(InputError, match=r"'x/0000' has values from -\d+ to \d+, not in \[0, 1\]"):
        read_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_numbers_name_their_slice(tmp_path, bad):
    hu = random_hu().astype(np.float32)
    hu[1, 2, 3] = bad
    np.savez(tmp_path / "x.npz", hu=hu, names=np.array(["a", "b", "c"]))
    with pytest.raises(InputError, match=r"x\.npz: slice 'b' holds values that are not numbers"):
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


class Trap:
    """Raises an alarm when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


def test_objects_are_refused_and_never_unpickled(tmp_path):
    np.savez(tmp_path / "x.npz", hu=np.array([Trap()], dtype=object))
    with pytest.raises(InputError, match="dtype object, which is refused"):
        read_npz(tmp_path / "x.npz")
    np.savez(tmp_path / "y.npz", hu=random_hu(), names=np.array([Trap()] * 3, dtype=object))
    with pytest.raises(InputError, match="'names': has dtype object"):
        read_npz(tmp_path / "y.npz")
    (tmp_path / "z.npz").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(InputError, match="cannot be read"):
        read_npz(tmp_path / "z.npz")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header((10**6, 10**6)), "more than the limit"),
        (header((10**30,)), "more than the limit"),
        (header((4, 8, 8)) + bytes(100), "declares 512 bytes.*stores 100"),
        (header((4, 8, 8)) + bytes(513), "declares 512 bytes.*stores 513"),
        (header((-4, -8)) + bytes(64), "declares the shape"),
        (header((2, 2), "<c8") + bytes(32), "dtype complex64, which is refused"),
        (b"\x93NUMPY\x03\x00" + bytes(64), "structured"),
        (b"\x93NUMPY\x01\x00\xff\xff{", "cannot be read"),
        (b"\x93NUMPY\x01\x00\x02\x00{\n", "cannot be read"),
        (b"nothing", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
@pytest.mark.parametrize("suffix", [".npz", ".npy"])
def test_headers_that_lie_are_refused_before_memory_is_taken(tmp_path, suffix, content, message):
    path = tmp_path / f"x{suffix}"
    if suffix == ".npz":
        zipped(path, content)
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        read_slices(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_zip_that_declares_more_than_it_holds_is_refused(tmp_path):
    """Both size fields say 1 MiB, as does the header of the array; 64 bytes are there."""
    path = zipped(tmp_path / "x.npz", header((2**19,)) + bytes(64))
    content = path.read_bytes()
    stored = len(header((2**19,))) + 64
    forged = content.replace(struct.pack("<I", stored), struct.pack("<I", stored - 64 + 2**20))
    assert forged != content
    path.write_bytes(forged)
    with pytest.raises(InputError, match="ends after 64 of 1048576 bytes"):
        read_npz(path)


def test_a_deflate_bomb_is_not_inflated(tmp_path):
    """The zip says 208 bytes, its data inflates to 64 MiB: only what was declared is read."""
    path, start = tmp_path / "x.npz", header((5, 8))
    zipped(path, start + bytes(80))
    inflated = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = inflated.compress(start + bytes(2**26)) + inflated.flush()
    with zipfile.ZipFile(path) as archive:
        info = archive.infolist()[0]
    content = path.read_bytes()
    begin = info.header_offset + 30 + len("hu.npy")
    forged = content[:begin] + data + content[begin + info.compress_size :]
    forged = forged.replace(struct.pack("<I", info.compress_size), struct.pack("<I", len(data)))
    shift = len(data) - info.compress_size
    end = struct.pack("<I", begin + info.compress_size)
    path.write_bytes(forged.replace(end, struct.pack("<I", begin + info.compress_size + shift)))
    tracemalloc.start()
    pixels = read_npz(path).pixels
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(pixels, np.full((1, 5, 8), 0.5))
    assert peak < 2**22


def test_the_limit_counts_the_float32_result_too(tmp_path):
    np.savez(tmp_path / "x.npz", hu=np.zeros((2, 10, 10), np.int8))
    assert len(read_npz(tmp_path / "x.npz", max_bytes=800)) == 2
    with pytest.raises(InputError, match="more than the limit"):
        read_npz(tmp_path / "x.npz", max_bytes=799)


@pytest.mark.parametrize("cut", [0.3, 0.9])
def test_cut_files_are_named(tmp_path, cut):
    np.savez(tmp_path / "x.npz", hu=random_hu())
    content = (tmp_path / "x.npz").read_bytes()
    (tmp_path / "x.npz").write_bytes(content[: int(cut * len(content))])
    with pytest.raises(InputError, match=r"x\.npz: cannot be read"):
        read_npz(tmp_path / "x.npz")
    with pytest.raises(InputError, match="no such file"):
        read_npz(tmp_path / "absent.npz")


def test_damaged_bytes_are_found_by_the_checksum(tmp_path):
    np.savez(tmp_path / "x.npz", hu=random_hu())
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[content.index(b"NUMPY") + 150] ^= 255
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.npz: cannot be read"):
        read_npz(tmp_path / "x.npz")


def test_npy_integers_are_hounsfield_units_and_floats_are_in_range(tmp_path):
    hu = random_hu()
    np.save(tmp_path / "hu.npy", hu)
    np.testing.assert_allclose(read_slice(tmp_path / "hu.npy", index=2), windowed(hu[2]), atol=1e-6)
    np.save(tmp_path / "unit.npy", windowed(hu[0]))
    np.testing.assert_allclose(read_slice(tmp_path / "unit.npy"), windowed(hu[0]), atol=1e-7)
    np.save(tmp_path / "floats.npy", hu.astype(np.float32))
    with pytest.raises(InputError, match=r"not in \[0, 1\]; scale them, or save Hounsfield"):
        read_slice(tmp_path / "floats.npy")


def test_pictures_are_read_as_grey(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)
    Image.fromarray(grey).save(tmp_path / "x.png")
    np.testing.assert_allclose(read_slice(tmp_path / "x.png"), grey / 255, atol=1e-6)
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "red.png")
    np.testing.assert_allclose(read_slice(tmp_path / "red.png"), 0.299, atol=1e-6)


@pytest.mark.parametrize("index", [-1, 3])
def test_slices_that_are_not_there_name_the_choices(tmp_path, index):
    np.save(tmp_path / "x.npy", random_hu())
    with pytest.raises(InputError, match=rf"has no slice {index}; choose an index from 0 to 2"):
        read_slice(tmp_path / "x.npy", index=index)


def test_a_key_is_refused_where_there_are_no_arrays(tmp_path):
    np.save(tmp_path / "x.npy", random_hu())
    with pytest.raises(InputError, match=r"key='hu' names an array of an \.npz file"):
        read_slice(tmp_path / "x.npy", key="hu")


@pytest.mark.parametrize("factor", [2, 3, 8])
def test_shrinking_by_a_whole_factor_averages_blocks(factor):
    pixels = np.random.default_rng(0).uniform(0, 1, (2, 24, 24)).astype(np.float32)
    size = 24 // factor
    expected = pixels.reshape(2, size, factor, size, factor).mean(axis=(2, 4))
    np.testing.assert_allclose(resize_slices(pixels, size), expected, atol=1e-6)


def test_slices_too_large_for_memory_are_refused():
    with pytest.raises(InputError, match=r"2 slices: needs 74.5 GiB .* smaller size"):
        resize_slices(np.zeros((2, 8, 8)), 100_000)


def test_slices_that_are_not_square_are_centred_on_air():
    resized = resize_slices(np.ones((1, 4, 8), np.float32), 8)
    np.testing.assert_array_equal(resized[0, 2:6], 1.0)
    np.testing.assert_array_equal(resized[0, [0, 1, 6, 7]], 0.0)


@settings(deadline=None)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(2, 40), st.integers(0, 99))
def test_resized_slices_keep_their_range(height, width, size, seed):
    rng = np.random.default_rng(seed)
    pixels = (rng.uniform(0, 1, (2, height, width)) > 0.5).astype(np.float32)
    resized = resize_slices(pixels, size)
    assert resized.shape == (2, size, size) and resized.dtype == np.float32
    assert resized.min() >= 0.0 and resized.max() <= 1.0
    if height == width == size:
        np.testing.assert_array_equal(resized, pixels)


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
        (lambda hu: (hu + 1000) / 2000, "save values in .0, 1. under another name"),
    ],
)
def test_what_cannot_be_hounsfield_units_is_refused(tmp_path, change, message):
    """Air around tissue with a bone in it, as other programs store it."""
    hu = np.full((1, 16, 16), -1000.0)
    hu[0, 4:12, 4:12], hu[0, 6, 6] = 40, 1000
    np.savez(tmp_path / "x.npz", hu=hu)
    assert len(read_slices(tmp_path / "x.npz")) == 1
    np.savez(tmp_path / "x.npz", hu=change(hu))
    with pytest.raises(InputError, match=message):
        read_slices(tmp_path / "x.npz")
