"""Imagenette: test pictures from val, validation from train, balanced over the classes."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from theta0.data.images import Imagenette, read_image
from theta0.data.images import _images as images
from theta0.data.images._imagenette import evenly
from theta0.errors import InputError

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
PHOTOS = SHARED / "natural" / "imagenet_sample_256"
CLASSES = {"n01440764": 12, "n02102040": 9, "n03888257": 5}
IN_VAL = 4


def write(root: Path) -> Path:
    """Three classes in the layout of the archive; train and val differ in their grey."""
    for part, grey in (("train", 50), ("val", 200)):
        for wnid, count in CLASSES.items():
            folder = root / part / wnid
            folder.mkdir(parents=True)
            for number in range(count if part == "train" else IN_VAL):
                infix = "" if part == "train" else "val_"
                path = folder / f"{wnid}_{infix}{number}.JPEG"
                Image.new("RGB", (24, 18), (grey,) * 3).save(path)
    (root / "noisy_imagenette.csv").write_text("path,noisy_labels_0\n")
    return root


@pytest.fixture
def root(tmp_path) -> Path:
    return write(tmp_path)


def part_of(pictures, part: str) -> list[str]:
    return [pictures.names[row] for row in getattr(pictures.split, part)]


def counts(names: list[str]) -> dict[str, int]:
    return dict(Counter(name.split("/")[1] for name in names))


def test_tests_come_from_val_and_the_rest_from_train(root):
    pictures = Imagenette(str(root), validation=5).read(16)
    train, validation, test = (part_of(pictures, p) for p in ("train", "validation", "test"))
    assert (len(train), len(validation), len(test)) == (26 - 5, 5, 12)
    everything = [path.relative_to(root).as_posix() for path in root.rglob("*.JPEG")]
    assert sorted(train + validation + test) == sorted(everything)
    assert all(name.startswith("val/") for name in test)
    for row in range(len(pictures.names)):
        grey = 200 if pictures.names[row].startswith("val/") else 50
        np.testing.assert_allclose(pictures.load(row), grey / 255, atol=2 / 255)


def test_limits_are_shared_evenly_by_the_classes_and_small_classes_give_all(root):
    pictures = Imagenette(str(root), validation=6, test=3, limit=9).read(16)
    assert counts(part_of(pictures, "validation")) == dict.fromkeys(CLASSES, 2)
    assert counts(part_of(pictures, "test")) == dict.fromkeys(CLASSES, 1)
    assert counts(part_of(pictures, "train")) == dict.fromkeys(CLASSES, 3)
    pictures = Imagenette(str(root), validation=3, limit=18).read(16)
    # The third class has only four after validation; the others share the rest.
    assert counts(part_of(pictures, "train")) == dict(zip(CLASSES, (7, 7, 4), strict=True))


def test_a_larger_limit_adds_pictures_and_replaces_none(root):
    few, more = (
        part_of(Imagenette(str(root), validation=3, limit=limit).read(16), "train")
        for limit in (6, 15)
    )
    assert more[:6] == few


def test_one_more_picture_leaves_the_validation_of_the_other_classes_alone(root):
    before = part_of(Imagenette(str(root), validation=6).read(16), "validation")
    extra = root / "train" / "n02102040" / "n02102040_extra.JPEG"
    Image.new("RGB", (24, 18)).save(extra)
    after = part_of(Imagenette(str(root), validation=6).read(16), "validation")
    others = lambda names: [name for name in names if "n02102040" not in name]
    assert others(before) == others(after) and len(set(before) & set(after)) >= 5


def test_only_the_pictures_used_are_decoded(root, monkeypatch):
    decoded, decode = [], images.decode
    monkeypatch.setattr(images, "decode", lambda p, s: decoded.append(p) or decode(p, s))
    Imagenette(str(root), validation=1, test=2, limit=3).read(16)
    assert len(decoded) == 6


def test_any_first_part_is_even():
    names = [f"{folder}/{n}" for folder, count in zip("abc", (5, 5, 2), strict=True)
             for n in range(count)]  # fmt: skip
    ordered = evenly(names)
    assert sorted(ordered) == sorted(names) and ordered == evenly(names[::-1])
    for length in range(7):
        found = Counter(name[0] for name in ordered[:length])
        assert max(found.values(), default=0) - min(found[c] for c in "abc") <= 1


@pytest.mark.parametrize("name", ["imagenette2", "imagenette2-160"])
def test_the_folder_around_the_archives_own_will_do(tmp_path, name):
    write(tmp_path / name)
    (tmp_path / f"{name}.tgz").touch()
    inside = Imagenette(str(tmp_path / name), validation=2).read(16)
    around = Imagenette(str(tmp_path), validation=2).read(16)
    assert around.names == inside.names
    (tmp_path / "imagenette2-320").mkdir()
    assert_refused(tmp_path, f"holds {name}, imagenette2-320; give one of them")


def assert_refused(root, words, **settings):
    with pytest.raises(InputError, match=words) as caught:
        Imagenette(str(root), **settings).read(16)
    assert "\n" not in str(caught.value) and str(root) in str(caught.value)


def test_layouts_that_are_not_imagenette_are_refused(root, tmp_path):
    (tmp_path / "empty").mkdir()
    assert_refused(tmp_path / "absent", "no such folder")
    assert_refused(tmp_path / "empty", "holds no folder 'train'.*preset images")
    assert_refused(root / "train", "holds no folder 'train'")
    (root / "val").rename(root / "test")
    assert_refused(root, "holds no folder 'val'")
    (root / "val" / "n01440764").mkdir(parents=True)
    (root / "val" / "n01440764" / ".hidden.JPEG").touch()
    (root / "val" / "loose.JPEG").touch()
    assert_refused(root, "val: holds no pictures in class folders such as n01440764")


def test_too_few_for_training_are_refused(root):
    assert_refused(root, "holds 26 pictures, which leaves none for training", validation=26)
    for path in (root / "train").rglob("*.JPEG"):
        path.write_bytes(b"no picture")
    assert_refused(root, "none of its 20 training pictures can be read", validation=6)


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the sample of ImageNet is not at hand")
def test_real_photos(tmp_path):
    photos = sorted(PHOTOS.glob("*.jpg"))[:60]
    for number, photo in enumerate(photos):
        wnid = list(CLASSES)[number % 3]
        folder = tmp_path / "imagenette2-320" / ("val" if number >= 45 else "train") / wnid
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{wnid}_{number}.JPEG").symlink_to(photo)
    pictures = Imagenette(str(tmp_path), validation=9, test=6).read(48)
    assert [len(part_of(pictures, p)) for p in ("train", "validation", "test")] == [36, 9, 6]
    for row in (0, 20, 50):
        path = tmp_path / "imagenette2-320" / pictures.names[row]
        np.testing.assert_array_equal(pictures.load(row), read_image(path, 48))
