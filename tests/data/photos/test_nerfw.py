"""NeRF-W's tables: the photographs they select, and malformed tables."""

import numpy as np
import pytest

from theta0.data.photos import PhotoOptions as Options
from theta0.data.photos import read_photos
from theta0.errors import InputError

from ..photo_files import colmap, write_binary, write_images

FEW = Options(test=1, validation=1)


def write_table(folder, rows, name="place.tsv"):
    lines = ["filename\tid\tsplit\tdataset", *("\t".join([*row, "place"]) for row in rows)]
    (folder / name).write_text("\n".join(lines) + "\n")


def nerfw(folder, scene, extra=()):
    write_images(folder / "dense/images", scene)
    write_binary(folder / "dense/sparse", colmap(scene))
    parts = ["train", "test", "train", "train", "test", "train"]
    rows = [(scene.names[row], f"{row}.0", part) for row, part in enumerate(parts)]
    write_table(folder, [*rows, *extra])
    return folder


def test_nerfws_table_splits_the_model(tmp_path, scene):
    extra = [("photo_06.png", "", "train"), ("absent.jpg", "9", "train")]
    nerfw(tmp_path, scene, extra)
    found = read_photos(tmp_path, Options(validation=1))
    assert found.names == tuple(f"photo_{row:02d}" for row in range(6))
    # Validation is taken from the first for training.
    assert (found.split.train, found.split.validation) == ((2, 3, 5), (0,))
    assert found.split.test == (1, 4)
    assert dict(found.skipped) == {
        "photo_06.png": "is not in place.tsv, or has no id there",
        "absent.jpg": "has no pose in the model",
    }
    np.testing.assert_array_equal(found.load(4).image, scene.images[4])
    assert read_photos(tmp_path / "place.tsv", Options(validation=0)).split.validation == ()
    with pytest.raises(InputError, match=r"none of 6 photographs is for training"):
        read_photos(tmp_path, Options(validation=4))


def test_a_table_does_not_move_the_world(tmp_path, scene):
    """All poses count, so that a photograph has the same pose when it is read through `dense`."""
    nerfw(tmp_path, scene)
    write_table(tmp_path, [(name, "1", "train") for name in scene.names[:3]])
    chosen = read_photos(tmp_path, Options(validation=1))
    every = read_photos(tmp_path / "dense", FEW)
    assert chosen.names == every.names[:3] and len(every.names) == 7
    for one, two in zip(chosen.frames, every.frames[:3], strict=True):
        np.testing.assert_array_equal(one.pose, two.pose)
        assert (one.near, one.far) == (two.near, two.far)
    np.testing.assert_array_equal(chosen.points[0], every.points[0])
    (tmp_path / "dense/images/photo_06.png").unlink()  # it is not asked for
    again = read_photos(tmp_path, Options(validation=1))
    np.testing.assert_array_equal(again.frames[0].pose, chosen.frames[0].pose)


def test_of_two_tables_one_is_to_be_given(tmp_path, scene):
    nerfw(tmp_path, scene)
    write_table(tmp_path, [(name, "1", "train") for name in scene.names[:3]], "other.tsv")
    with pytest.raises(InputError, match=r"holds 2 .tsv files; give the path of one"):
        read_photos(tmp_path)
    assert len(read_photos(tmp_path / "other.tsv", Options(validation=1)).names) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\n1\t2\n", r"has the columns \['a', 'b'\]; NeRF-W's are filename, id, split"),
        ("", r"has the columns None"),
        ("filename\tid\tsplit\nx.jpg\t1\tdev\n", r"split of x.jpg is 'dev'; give train, val or"),
        ("filename\tid\tsplit\nx.jpg\t1\ttrain\nx.jpg\t2\ttrain\n", r"'x.jpg' is .* in two rows"),
        (f'filename\tid\tsplit\n"{"x" * 200_000}"', r"line 1 is no row of a table .field larger"),
        (f"{'x' * 200_000}\tid\tsplit\n", r"line 0 is no row of a table .field larger"),
        ("filename\tid\tsplit\nx.jpg\n", r"names none of the model's images, such as photo_00"),
        ("filename\tid\tsplit\nx.jpg\t1\ttest\n", r"names none of the model's images"),
    ],
)
def test_tables_that_make_no_sense_are_refused(tmp_path, scene, text, message):
    nerfw(tmp_path, scene)
    (tmp_path / "place.tsv").write_text(text)
    with pytest.raises(InputError, match=rf"place.tsv: {message}"):
        read_photos(tmp_path)
