"""Properties of every source of pictures, and of every kind of picture in it."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from theta0.data.images import (
    Arrays,
    CelebA,
    Folder,
    Imagenette,
    Pictures,
    PictureSource,
    read_image,
)
from theta0.errors import InputError, InputWarning
from theta0.signals import ImageConfig

COUNT = 9


def draw(path, seed: int) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (18, 20, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return pixels


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> dict[str, PictureSource]:
    """One source of each kind: six training, two validation and one test picture."""
    root = tmp_path_factory.mktemp("sources")
    for seed in range(COUNT):
        draw(root / "folder" / f"{seed}.png", seed)
        draw(root / "celeba" / "img_align_celeba" / f"{seed}.jpg", seed)
        part = "val" if seed == 8 else "train"
        draw(root / "imagenette" / part / f"n{seed % 2}" / f"{seed}.JPEG", seed)
    lines = [f"{seed}.jpg {part}\n" for seed, part in enumerate([0] * 6 + [1] * 2 + [2])]
    (root / "celeba" / "list_eval_partition.txt").write_text("".join(lines))
    pixels = np.stack([draw(root / "x" / "x.png", seed) for seed in range(COUNT)])
    np.savez(root / "arrays.npz", train_data=pixels[:8], test_data=pixels[8:])
    return {
        "folder": Folder(str(root / "folder"), validation=2, test=1),
        "celeba": CelebA(str(root / "celeba")),
        "imagenette": Imagenette(str(root / "imagenette"), validation=2),
        "arrays": Arrays(str(root / "arrays.npz"), validation=2),
    }


@pytest.fixture(params=["folder", "celeba", "imagenette", "arrays"])
def source(request, sources):
    return sources[request.param]


def test_pictures_are_numbered_squares_in_the_unit_range_each_in_one_split(source):
    assert isinstance(source, PictureSource)
    pictures = source.read(16)
    assert isinstance(pictures, Pictures) and pictures.skipped == ()
    parts = pictures.split.train, pictures.split.validation, pictures.split.test
    assert [len(part) for part in parts] == [6, 2, 1]
    assert sorted(index for part in parts for index in part) == list(range(COUNT))
    assert len(set(pictures.names)) == COUNT
    for index in range(COUNT):
        picture = pictures.load(index)
        assert picture.shape == (16, 16, 3) and picture.dtype == np.float32
        assert 0 <= picture.min() < picture.max() <= 1


def test_reading_again_gives_the_same(source):
    one, other = source.read(16), source.read(16)
    assert one.names == other.names and one.split == other.split
    for index in range(COUNT):
        np.testing.assert_array_equal(one.load(index), other.load(index))


def test_a_source_is_a_value(source):
    assert source == replace(source) and hash(source) == hash(replace(source))
    assert source != replace(source, validation=1)


def test_without_a_path_the_flag_is_named(source):
    with pytest.raises(InputError, match="give --data F"):
        replace(source, path=None).read(16)


def test_numbers_that_cannot_be_are_refused(source):
    # A folder may do without validation or tests; below 0 its split refuses them.
    names = ["limit"] if isinstance(source, Folder) else ["limit", "validation", "test"]
    for name in names:
        for value in (0, -1):
            with pytest.raises(InputError, match=f"{name} is {value}"):
                replace(source, **{name: value})
    for name in ("validation", "test"):
        with pytest.raises(InputError, match=f"{name}.*-1"):
            replace(source, **{name: -1}).read(8)


def test_fewer_pictures_than_a_meta_batch_is_a_clear_error(source):
    tasks = ImageConfig(source, size=8).build()
    assert tasks.training_tasks(0, 0, 6).support.y.shape == (6, 64, 3)
    with pytest.raises(InputError, match=r"tasks=7 pictures per step, .* has only 6"):
        tasks.training_tasks(0, 0, 7)


def test_every_kind_of_picture_enters_a_class(tmp_path):
    pixels = draw(tmp_path / "colour.png", 0)
    image = Image.fromarray(pixels)
    frames = [Image.new("RGB", image.size, colour) for colour in ("red", "blue")]
    image.convert("L").save(tmp_path / "grey.png")
    image.convert("1").save(tmp_path / "bilevel.png")
    image.quantize(16).save(tmp_path / "palette.png")
    image.convert("LA").save(tmp_path / "grey_alpha.png")
    image.convert("RGBA").save(tmp_path / "alpha.webp", lossless=True)
    image.convert("CMYK").save(tmp_path / "cmyk.tif")
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(tmp_path / "deep.png")
    for suffix in ("gif", "png", "webp"):
        path = tmp_path / f"animated_{suffix}.{suffix}"
        image.save(path, save_all=True, append_images=frames, lossless=True)
    with pytest.warns(InputWarning, match=r"holds 3 frames.* \(like 3 of 11 pictures\)"):
        pictures = Folder(str(tmp_path), validation=1, test=1).read(18)
    assert len(pictures.names) == 11 and pictures.skipped == ()
    for index, name in enumerate(pictures.names):
        animated = pytest.warns(InputWarning, match="holds 3 frames")
        with animated if name.startswith("animated") else nullcontext():
            expected = read_image(tmp_path / name, 18)
        # Rounded to 8 bits where the file holds more.
        np.testing.assert_allclose(pictures.load(index), expected, atol=0.5 / 255 + 1e-6)


def test_a_folder_of_new_pictures_is_split_whatever_their_names_and_number(sources):
    path = sources["folder"].path
    trained = Folder("faces", validation=2, test=3, group=r"^(\d+)_")
    new = replace(trained, path=path).of_new_pictures()
    assert new == Folder(path, validation=2, test=3)
    # Too few pictures: half of nine for testing, a quarter for validation.
    few = replace(trained, path=path, test=7).of_new_pictures()
    assert few == Folder(path, validation=2, test=4)
    # Names that follow the expression belong to the training class, whose split is kept.
    kept = Folder(path, validation=2, test=7, group=r"^(\d)\.")
    assert kept.of_new_pictures() == kept
    config = ImageConfig(replace(trained, test=7))
    assert config.on_new(path).source == few
    assert ImageConfig(sources["arrays"]).on_new("x.npz").source.path == "x.npz"
    with pytest.raises(InputError, match="no such folder"):
        config.on_new("nowhere")
    with pytest.raises(InputError, match="not a regular expression"):
        replace(trained, path=path, group="(").of_new_pictures()
