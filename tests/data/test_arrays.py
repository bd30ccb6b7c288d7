"""Malicious and damaged NumPy files are refused before memory is allocated."""

import io
import pickle
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

from theta0.data._arrays import array_shapes, read_array
from theta0.data.ct import read_npz, read_sinogram, read_slices
from theta0.errors import InputError

from .ct.hounsfield import random_hu


def header(shape: tuple[int, ...], dtype: str = "<i2", fortran: bool = False) -> bytes:
    """The start of an .npy file with an arbitrary header."""
    stream = io.BytesIO()
    npy.write_array_header_1_0(stream, {"descr": dtype, "fortran_order": fortran, "shape": shape})
    return stream.getvalue()


def zipped(path: Path, content: bytes, name: str = "hu.npy") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return path


class Trap:
    """Raises an alarm when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was executed",))


def test_a_header_as_python_2_writes_it_is_read_without_a_word(tmp_path):
    values = np.linspace(0, 1, 48 * 48).reshape(48, 48)
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (48, 48L), }"
    head = head.ljust(117) + b"\n"
    content = b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head + values.tobytes()
    (tmp_path / "x.npy").write_bytes(content)
    np.testing.assert_array_equal(read_array(tmp_path / "x.npy"), values)


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
    """Both size fields and the header of the array declare 1 MiB; 64 bytes are stored."""
    path = zipped(tmp_path / "x.npz", header((2**19,)) + bytes(64))
    content = path.read_bytes()
    stored = len(header((2**19,))) + 64
    forged = content.replace(struct.pack("<I", stored), struct.pack("<I", stored - 64 + 2**20))
    assert forged != content
    path.write_bytes(forged)
    with pytest.raises(InputError, match="ends after 64 of 1048576 bytes"):
        read_npz(path)


def test_a_deflate_bomb_is_not_inflated(tmp_path):
    """The zip declares 208 bytes, its data inflate to 64 MiB: only the declared size is read."""
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


def test_an_archive_that_grows_out_of_all_proportion_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", data=np.zeros((80, 1000, 1000), np.uint8))
    with pytest.raises(InputError, match=r"bytes would grow to 80,000,\d+, more than 300 times"):
        read_slices(tmp_path / "x.npz")


def test_an_archive_in_an_archive_is_no_array(tmp_path):
    np.savez(tmp_path / "inner.npz", data=np.zeros((4, 4)))
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.write(tmp_path / "inner.npz", "data.npy")
    with pytest.raises(InputError, match=r"x\.npz: cannot be read as a NumPy file"):
        read_slices(tmp_path / "x.npz")


def test_memory_that_the_caller_needs_besides_is_counted(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(1000, np.uint8))
    assert len(read_array(tmp_path / "x.npy", None, 5000, bytes_a_value=4)) == 1000
    with pytest.raises(InputError, match="more than the limit"):
        read_array(tmp_path / "x.npy", None, 4999, bytes_a_value=4)


@pytest.mark.slow
def test_a_header_that_claims_gigabytes_is_not_read(tmp_path):
    """The member would inflate to 512 MiB of header."""
    path = tmp_path / "x.npz"
    head = b"\x93NUMPY\x02\x00" + struct.pack("<I", 1 << 29)
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("hu.npy", "w") as member,
    ):
        member.write(head)
        for _ in range(32):
            member.write(bytes(1 << 24))
    tracemalloc.start()
    with pytest.raises(InputError, match="521,841 bytes would grow to 536,870,924"):
        read_npz(path)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_packed_by_methods_without_a_stop_are_refused(tmp_path, method):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", method) as archive:
        archive.writestr("hu.npy", header((5, 8)) + bytes(80))
    with pytest.raises(InputError, match="packed by another method than numpy's"):
        read_npz(tmp_path / "x.npz")


def test_an_array_that_is_there_twice_is_refused(tmp_path):
    path = zipped(tmp_path / "x.npz", header((5, 8)) + bytes(80))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("hu.npy", header((4, 8)) + bytes(64))
    with pytest.raises(InputError, match=r"holds hu\.npy twice"):
        read_npz(path)


@pytest.mark.parametrize(
    ("shape", "dtype"), [((10**12,), "<U0"), ((0, 10**30), "<f4"), ((1,) * 70, "<f4")]
)
def test_shapes_without_bytes_take_no_memory(tmp_path, shape, dtype):
    size = 4 if shape[-1] == 1 else 0
    path = zipped(tmp_path / "x.npz", header(shape, dtype) + bytes(size))
    with pytest.raises(InputError, match=r"x\.npz: "):
        read_array(path, "hu")


def test_arrays_are_measured_by_what_they_become(tmp_path):
    np.savez(tmp_path / "x.npz", small=np.zeros(100, np.uint8))
    assert read_array(tmp_path / "x.npz", "small", 900, bytes_a_value=8).shape == (100,)
    with pytest.raises(InputError, match="more than the limit"):
        read_array(tmp_path / "x.npz", "small", 899, bytes_a_value=8)
    assert array_shapes(tmp_path / "x.npz") == {"small": (100,)}


def test_a_sinogram_of_bytes_is_measured_by_its_rays(tmp_path):
    """400 MB of zeros in 0.4 MB: as rays they would take 75 GiB."""
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sinogram.npy", header((1000, 400_000), "|u1"))
        archive.writestr("angles_deg.npy", header((1000,), "<f8") + bytes(8000))
    with pytest.raises(InputError, match=r"needs 74.5 GiB.*leave out views"):
        read_sinogram(tmp_path / "x.npz")


@pytest.mark.parametrize("kind", [">f8", "<f2", "<f4"])
def test_order_and_width_of_numbers_change_nothing(tmp_path, kind):
    values = np.asfortranarray(np.arange(12.0).reshape(3, 4).astype(kind))
    np.savez(tmp_path / "x.npz", a=values)
    np.testing.assert_array_equal(read_array(tmp_path / "x.npz", "a"), values)
