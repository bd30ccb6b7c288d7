"""CelebA: its layout and split, files that are not decoded, and malformed partitions."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from theta0.data.images import CelebA, read_image
from theta0.data.images import _celeba as celeba
from theta0.data.images import _images as images
from theta0.errors import InputError

FACES = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "faces" / "celeba128"
TRAIN, VALIDATION, TEST = range(1, 9), range(9, 12), range(12, 16)


def name(number: int) -> str:
    return f"{number:06d}.jpg"


def lines(**changes) -> str:
    """The partition file of 15 pictures, as CelebA writes it."""
    parts = {"train": TRAIN, "validation": VALIDATION, "test": TEST, **changes}
    return "".join(
        f"{name(number)} {part}\n"
        for part, numbers in enumerate(parts.values())
        for number in numbers
    )


@pytest.fixture
def root(tmp_path) -> Path:
    """Fifteen pictures of CelebA's size, each of one grey, in its layout."""
    (tmp_path / "img_align_celeba").mkdir()
    for number in range(1, 16):
        picture = Image.new("RGB", (178, 218), (10 * number,) * 3)
        picture.save(tmp_path / "img_align_celeba" / name(number), quality=95)
    (tmp_path / "list_eval_partition.txt").write_text(lines())
    return tmp_path


def numbers_of(pictures, part: str) -> list[int]:
    """The numbers of the pictures in a part, from their colours."""
    rows = getattr(pictures.split, part)
    told = [round(float(pictures.load(row).mean()) * 255 / 10) for row in rows]
    assert [name(number) for number in told] == [pictures.names[row] for row in rows]
    return told


def test_the_split_is_that_of_the_authors(root):
    pictures = CelebA(str(root)).read(16)
    assert numbers_of(pictures, "train") == [*TRAIN]
    assert numbers_of(pictures, "validation") == [*VALIDATION]
    assert numbers_of(pictures, "test") == [*TEST]
    assert pictures.skipped == ()


def test_archives_unpacked_into_their_own_folders_are_found_too(root):
    (root / "Img").mkdir()
    (root / "Eval").mkdir()
    (root / "img_align_celeba").rename(root / "Img" / "img_align_celeba")
    (root / "list_eval_partition.txt").rename(root / "Eval" / "list_eval_partition.txt")
    assert numbers_of(CelebA(str(root)).read(16), "test") == [*TEST]


def test_at_the_papers_size_the_centre_is_cropped_and_no_pixel_resampled(root):
    pixels = np.random.default_rng(0).integers(0, 256, (218, 178, 3), dtype=np.uint8)
    path = root / "img_align_celeba" / name(1)
    Image.fromarray(pixels).save(path, "PNG")  # lossless, under the name that the partition has
    read = CelebA(str(root)).read(178).load(0)
    np.testing.assert_array_equal(read, pixels[20:198] / np.float32(255))


def test_limits_take_the_first_names_and_only_those_are_decoded(root, monkeypatch):
    decoded, decode = [], images.decode

    def spy(path, size):
        decoded.append(path.name)
        return decode(path, size)

    monkeypatch.setattr(images, "decode", spy)
    shuffled = np.random.default_rng(0).permutation(lines().splitlines())
    (root / "list_eval_partition.txt").write_text("\r\n".join([*shuffled, "", ""]))
    pictures = CelebA(str(root), validation=1, test=2, limit=3).read(16)
    assert numbers_of(pictures, "train") == [1, 2, 3]
    assert numbers_of(pictures, "validation") == [9] and numbers_of(pictures, "test") == [12, 13]
    assert sorted(decoded) == [name(number) for number in (1, 2, 3, 9, 12, 13)]


def test_pictures_that_are_not_there_are_skipped_by_name_and_others_take_their_place(root):
    for number in (2, 5, 8, 15):
        (root / "img_align_celeba" / name(number)).unlink()
    pictures = CelebA(str(root), limit=3).read(16)
    assert numbers_of(pictures, "train") == [1, 3, 4]
    # Absent files beyond the limit are not listed; there are fewer test pictures than requested.
    assert [skipped for skipped, _ in pictures.skipped] == [name(2), name(15)]
    assert all("list_eval_partition.txt, but not in" in reason for _, reason in pictures.skipped)


def test_damaged_pictures_are_skipped_and_the_split_stays_right(root):
    for number in (1, 10):
        (root / "img_align_celeba" / name(number)).write_bytes(b"no picture")
    pictures = CelebA(str(root)).read(16)
    assert numbers_of(pictures, "train") == [*TRAIN][1:]
    assert numbers_of(pictures, "validation") == [9, 11]
    assert numbers_of(pictures, "test") == [*TEST]
    assert [skipped for skipped, _ in pictures.skipped] == [name(1), name(10)]


def test_pictures_the_partition_does_not_name_are_left_out(root):
    (root / "list_eval_partition.txt").write_text(lines(train=[3], validation=[], test=[12]))
    assert CelebA(str(root)).read(16).names == (name(3), name(12))


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "list_eval_partition.txt: is empty"),
        (" \n\n", "is empty"),
        ("000001.jpg 0\n000002.jpg\n", "line 2 is '000002.jpg', but should be"),
        ("000001.jpg 3\n", "line 1 is '000001.jpg 3'"),
        ("000001.jpg 0 1\n", "line 1 "),
        ("image_id,partition\n", "line 1 "),
        ("000001.jpg 0\n\n../../secret.jpg 0\n", "line 3 "),
        ("/etc/x.jpg 0\n", "line 1 "),
        ("..\\x.jpg 0\n", "line 1 "),
        ("000001.jpg 0\n000002.jpg 0\n000001.jpg 2\n", "line 3 names 000001.jpg a second time"),
        ("\x00\xff\x00 0\n", "line 1 "),
        ("x" * 10_000, "line 1 is 'x{60}', but"),
        ("900001.jpg 0\n900002.jpg 2\n", "holds none of the 2 pictures that .* names"),
        ("000001.jpg 1\n000002.jpg 2\n", "names no training picture"),
        ("900001.jpg 0\n000002.jpg 2\n", "names no training picture .* that is in"),
    ],
)
def test_a_partition_that_cannot_be_used(root, text, words):
    (root / "list_eval_partition.txt").write_text(text, "latin-1", newline="")
    assert_refused(root, words)


def assert_refused(root, words):
    with pytest.raises(InputError, match=words) as caught:
        CelebA(str(root)).read(16)
    text = str(caught.value)
    assert "\n" not in text and str(root) in text and len(text) < 400 + 2 * len(str(root))


def test_a_partition_of_another_kind_of_file_is_not_read(root, monkeypatch):
    monkeypatch.setattr(celeba, "_LARGEST", 100)
    assert_refused(root, "is not a list_eval_partition.txt")


def test_missing_parts_say_what_is_missing_and_what_reads_a_plain_folder(root):
    (root / "list_eval_partition.txt").unlink()
    assert_refused(root, "holds no list_eval_partition.txt.*preset images reads a plain folder")
    assert_refused(root / "img_align_celeba", "holds no folder img_align_celeba.*preset images")
    assert_refused(root / "absent", "no such folder")


def test_no_readable_training_picture_is_an_error(root):
    for number in TRAIN:
        (root / "img_align_celeba" / name(number)).write_bytes(b"no picture")
    assert_refused(root, f"none of its 8 training pictures can be read.*{re.escape(name(1))}")
    for path in (root / "img_align_celeba").iterdir():
        path.write_bytes(b"no picture")
    assert_refused(root, "none of its 15 pictures can be read")


def test_memory_is_checked_before_anything_is_decoded(root, monkeypatch):
    monkeypatch.setattr(images, "decode", None)
    with pytest.raises(InputError, match=r"15 pictures at size=50000: needs .* GiB.*limit"):
        CelebA(str(root)).read(50_000)


@pytest.mark.skipif(not FACES.is_dir(), reason="the sample of CelebA is not at hand")
def test_real_faces(tmp_path):
    (tmp_path / "img_align_celeba").mkdir()
    names = sorted(path.name for path in FACES.glob("*.jpg"))
    for file in names:
        (tmp_path / "img_align_celeba" / file).symlink_to(FACES / file)
    part = ["0"] * 500 + ["1"] * 100 + ["2"] * (len(names) - 600)
    text = "".join(f"{file} {number}\n" for file, number in zip(names, part, strict=True))
    (tmp_path / "list_eval_partition.txt").write_text(text)
    pictures = CelebA(str(tmp_path), limit=60).read(64)
    assert pictures.names == (*names[:60], *names[500:525], *names[600:700])
    assert pictures.skipped == () and pictures.pixels.nbytes == 3 * 64**2 * len(pictures.names)
    for row in (0, 59, 60, 184):
        expected = read_image(FACES / pictures.names[row], 64)
        np.testing.assert_array_equal(pictures.load(row), expected)
