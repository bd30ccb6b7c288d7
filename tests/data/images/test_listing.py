"""Listing a folder: what is no picture, or cannot be read, is counted."""

import os
import socket

import numpy as np
import pytest
from PIL import Image

from theta0.data.images import _listing as listing
from theta0.data.images import image_paths, pictures_in, read_folder, read_image
from theta0.errors import InputError, InputWarning, MissingExtra

from .picture_files import noise, save


@pytest.fixture
def folder(tmp_path):
    for number in range(3):
        save(tmp_path / f"{number}.png", noise(9, 9, seed=number))
    return tmp_path


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.CR2", "b.nef", "c.dng"], r"3 files are left out \(.cr2 .dng .nef\): raw photographs"),
        (["a.mp4", "b.MOV"], r"2 files are left out \(.mov .mp4\): videos: extract their frames"),
        (["a.svg", "b.pdf"], r"2 files are left out \(.pdf .svg\): in other formats: save them as"),
        (["._0.png"], r"1 file is left out \(.png\): hidden files"),
    ],
)
def test_files_that_may_be_pictures_are_counted(folder, names, message):
    for name in names:
        (folder / name).write_bytes(b"something")
    for listed in (image_paths, pictures_in):
        with pytest.warns(InputWarning, match=message) as warned:
            assert [path.name for path in listed(folder)] == ["0.png", "1.png", "2.png"]
        assert len(warned) == 1 and str(warned[0].message).startswith(str(folder))


def test_other_files_are_no_pictures(folder):
    for name in ("notes.txt", "labels.csv", "Thumbs.db", "LICENSE"):
        (folder / name).write_bytes(b"something")
    assert len(image_paths(folder)) == 3


def test_heic_is_counted_where_it_cannot_be_read(folder, monkeypatch):
    for name in ("a.HEIC", "b.heif"):
        (folder / name).write_bytes(b"\0\0\0\x18ftypheic" + bytes(12))
    monkeypatch.setattr(listing, "reads_heic", lambda: False)
    monkeypatch.setattr("theta0.data._pillow.reads_heic", lambda: False)
    message = r"2 files are left out \(.heic .heif\): pip install 'theta0\[heic\]'"
    with pytest.warns(InputWarning, match=message):
        assert len(read_folder(folder, 8)) == 3
    with pytest.raises(MissingExtra, match=r"a.HEIC: .*pip install 'theta0\[heic\]'"):
        read_image(folder / "a.HEIC")
    # That of a telephone under another name.
    (folder / "a.HEIC").rename(folder / "a.jpg")
    with pytest.warns(InputWarning, match="1 file is left out"):
        assert dict(read_folder(folder, 8).skipped)["a.jpg"].endswith("'theta0[heic]'")


@pytest.mark.skipif(not listing.reads_heic(), reason="needs pillow-heif")
def test_heic_is_read_with_its_extra_and_stubs_are_skipped(folder, monkeypatch):
    from pillow_heif.as_plugin import _save_heif  # registering it would change all tests

    # imageio, which other tests of this process may have imported, registers it.
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    pixels = np.repeat(np.repeat(noise(2, 2), 16, axis=0), 16, axis=1)
    image = Image.fromarray(pixels)
    image.encoderinfo = {"quality": 100, "chroma": 444}
    with open(folder / "a.heic", "wb") as stream:
        _save_heif(image, stream, "a.heic")
    (folder / "b.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(12))
    found = read_folder(folder, 32)
    assert found.names == ("0.png", "1.png", "2.png", "a.heic")
    np.testing.assert_allclose(found.pixels[3].astype(int), pixels, atol=8)
    assert [name for name, _ in found.skipped] == ["b.HEIC"]
    assert "HEIF" not in Image.OPEN  # nothing else opens it without being asked


def test_what_is_no_file_is_never_opened(folder):
    os.mkfifo(folder / "pipe.png")
    (folder / "gone.png").symlink_to(folder / "nothing")
    (folder / "empty.png").touch()
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(folder / "s.png"))
        found = read_folder(folder, 8)
    assert found.names == ("0.png", "1.png", "2.png")
    assert {name: text.split(": ", 1)[1].split(";")[0] for name, text in found.skipped} == {
        "empty.png": "is empty (0 bytes)",
        "gone.png": "no such file",
        "pipe.png": "is a pipe, socket or device",
        "s.png": "is a pipe, socket or device",
    }


def test_remarks_of_a_kind_are_noted_together(folder):
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "lime", "blue")]
    for number in (2, 3):
        frames[0].save(folder / f"{number}.gif", save_all=True, append_images=frames[1:number])
    with pytest.warns(InputWarning) as warned:
        read_folder(folder, 8)
    (message,) = (str(each.message) for each in warned)
    assert message.endswith(
        "2.gif holds 2 frames or pages, of which the first is read (like 2 of 5 pictures)"
    )


def test_a_file_that_may_not_be_read_is_called_that(folder, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(InputError, match=r"0.png: cannot be opened \(Permission denied\)"):
        read_image(folder / "0.png")
