"""Names in code pages and other Unicode forms are told by the files that have them."""

import unicodedata
import warnings

import numpy as np
import pytest

from theta0.data._names import existing_names, is_utf8
from theta0.data.ct import read_sinogram, read_slices
from theta0.data.images import read_image
from theta0.data.photos import PhotoOptions, read_photos
from theta0.data.views import read_views
from theta0.errors import InputError, InputWarning

from .photo_files import colmap, make_scene, write_binary, write_images, write_text

NAMES = {"cp1252": "Straße {}.png", "gb18030": "照片{}.png", "cp932": "写真 {}.png",
         "cp1251": "Улица {}.png", "cp949": "사진{}.png"}  # fmt: skip
FEW = PhotoOptions(test=1, validation=1)


def read_as_utf8(name, encoding):
    return name.encode(encoding).decode("utf-8", "surrogateescape")


def renamed(folder, pattern):
    """A model whose pictures lie in a folder, and have names of a pattern."""
    scene = make_scene(count=5, points=12)
    write_images(folder, scene)
    model, names = colmap(scene), [pattern.format(number) for number in range(5)]
    for old, new in zip(scene.names, names, strict=True):
        (folder / old).rename(folder / new)
    for image in model.images:
        image[4] = names[scene.names.index(image[4])]
    return model, names


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("write", [write_text, write_binary])
def test_pictures_of_a_model_in_a_code_page_are_found(tmp_path, encoding, write):
    model, names = renamed(tmp_path / "images", NAMES[encoding])
    (file,) = write(tmp_path / "sparse/0", model).glob("images.*")
    data = file.read_bytes()
    for name in names:
        data = data.replace(name.encode(), name.encode(encoding))
    file.write_bytes(data)
    with pytest.warns(InputWarning, match=rf"5 names, such as .*, are in {encoding}, not in UTF-8"):
        found = read_photos(tmp_path, FEW)
    assert sorted(frame.image.name for frame in found.frames) == sorted(names)
    (tmp_path / "images").rename(tmp_path / "elsewhere")
    (tmp_path / "images").mkdir()
    with pytest.raises(InputError, match=r"5 names of images are not UTF-8, such as .*write the"):
        read_photos(tmp_path, FEW)


def test_composed_and_decomposed_names_are_one():
    name = "Café.png"
    apart = unicodedata.normalize("NFD", name)
    assert existing_names("", [name, "a.png"], {apart}.__contains__) == {
        name: apart, "a.png": "a.png"
    }  # fmt: skip
    assert existing_names("", [apart], {name}.__contains__) == {apart: name}


def test_names_that_cannot_be_told_stay_readable():
    odd = read_as_utf8("Straße.png", "cp1252")
    assert not is_utf8(odd) and is_utf8("Straße.png")
    found = existing_names("", [odd, "é.png"], set().__contains__)
    assert found == {odd: "Stra\ufffde.png", "é.png": "é.png"}


@pytest.mark.parametrize("start", ["\ufeff", ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_byte_order_marks_of_editors_are_no_part_of_a_model(tmp_path, start, encoding):
    from theta0.data.colmap import read_colmap

    folder = write_text(tmp_path, colmap(make_scene(count=4, points=12)))
    before = read_colmap(folder)
    for file in folder.glob("*.txt"):
        mark = start if encoding == "utf-8" else ""
        file.write_text(mark + file.read_text(), encoding=encoding)
    found = read_colmap(folder)
    np.testing.assert_array_equal(found.xyz, before.xyz)
    assert [image.name for image in found.images] == [image.name for image in before.images]


def test_a_table_in_a_code_page_is_read_by_the_names_of_the_model(tmp_path):
    model, names = renamed(tmp_path / "dense/images", NAMES["cp1252"])
    write_binary(tmp_path / "dense/sparse", model)
    rows = [f"{name}\t{number}\ttrain\tplace" for number, name in enumerate(names)]
    text = "\n".join(["filename\tid\tsplit\tdataset", *rows])
    (tmp_path / "place.tsv").write_text(text, encoding="cp1252")
    with pytest.warns(InputWarning, match=r"place.tsv: 5 names, .* cp1252"):
        assert len(read_photos(tmp_path, PhotoOptions(validation=1)).names) == 5
    (tmp_path / "place.tsv").write_text(text, encoding="utf-8-sig")
    with warnings.catch_warnings(action="error"):
        assert len(read_photos(tmp_path, PhotoOptions(validation=1)).names) == 5


@pytest.mark.parametrize("name", ["a" * 300, "a" * 300 + ".png", "a\0b.nii", "a\0b.png"])
@pytest.mark.parametrize("read", [read_slices, read_image, read_sinogram, read_views])
def test_names_that_no_file_can_have(read, name):
    arguments = (16,) if read is read_image else ()
    with pytest.raises(InputError, match="no file can be called so"):
        read(name, *arguments)


def test_a_header_whose_voxels_no_file_can_hold(tmp_path):
    header = "NDims = 3\nDimSize = 2 2 2\nElementType = MET_SHORT\nElementDataFile = a\0b.raw\n"
    (tmp_path / "x.mhd").write_text(header)
    with pytest.raises(InputError, match="no file can be called so"):
        read_slices(tmp_path / "x.mhd")
