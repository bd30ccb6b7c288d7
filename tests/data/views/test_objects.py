"""Classes of objects: splits of the authors, of SRN and drawn ones; pictures are not decoded."""

import pytest
from PIL import Image

from theta0.data.views import Objects, read_objects, read_views, write_views
from theta0.errors import InputError

IDS = [f"id{number}" for number in range(6)]
SPLITS = {"train": ["id3", "id0", "id5"], "val": ["id1"], "test": ["id4", "id2"]}


@pytest.fixture(scope="module")
def folders(tmp_path_factory, scenes):
    """Six objects to be linked to."""
    root = tmp_path_factory.mktemp("objects")
    for number, name in enumerate(IDS):
        write_views(scenes.some_views(2, seed=number), root / name)
    return root


def link(folders, *homes):
    for home in homes:
        home.mkdir(parents=True, exist_ok=True)
        for name in IDS:
            (home / name).symlink_to(folders / name)


def parts(objects):
    numbers = objects.split.train, objects.split.validation, objects.split.test
    return [[objects.names[number] for number in part] for part in numbers]


def ids(objects):
    return [[name.rsplit("/", 1)[-1] for name in part] for part in parts(objects)]


@pytest.mark.parametrize("home", ["chair", "chairs", "03001627", "."])
def test_the_authors_split_is_kept_in_its_order(tmp_path, scenes, folders, home):
    link(folders, tmp_path / home)
    scenes.write_json(tmp_path / "chair_splits.json", SPLITS)
    for kind in (None, "chair"):
        objects = read_objects(tmp_path, kind)
        assert isinstance(objects, Objects) and objects.skipped == ()
        assert ids(objects) == list(SPLITS.values())
        assert objects.names[0] == ("id3" if home == "." else f"{home}/id3")
    scenes.assert_same(objects.load(0), read_views(folders / "id3"))
    if home != ".":  # the class's own folder, with the split beside it
        assert parts(read_objects(tmp_path / home)) == list(SPLITS.values())


def test_names_in_a_split_may_hold_the_class(tmp_path, scenes, folders):
    link(folders, tmp_path / "03001627")
    named = {part: [f"03001627/{name}" for name in names] for part, names in SPLITS.items()}
    scenes.write_json(tmp_path / "chair_splits.json", named)
    assert parts(read_objects(tmp_path)) == list(named.values())


def test_one_of_several_kinds_is_chosen(tmp_path, scenes, folders):
    link(folders, tmp_path / "chairs", tmp_path / "02958343")
    for kind in ("car", "chair"):
        scenes.write_json(tmp_path / f"{kind}_splits.json", SPLITS)
    assert read_objects(tmp_path, "car").names[0] == "02958343/id3"
    assert read_objects(tmp_path, "chair").names[0] == "chairs/id3"
    with pytest.raises(InputError, match=r"several kinds \(car, chair\); give the folder of one"):
        read_objects(tmp_path)


def test_a_split_may_bear_the_plural_and_another_class_is_not_taken_for_it(
    tmp_path, scenes, folders
):
    link(folders, tmp_path / "chairs")
    scenes.write_json(tmp_path / "chairs_splits.json", SPLITS)
    assert parts(read_objects(tmp_path, "chair")) == parts(read_objects(tmp_path, "chairs"))
    assert ids(read_objects(tmp_path, "chair")) == list(SPLITS.values())
    with pytest.raises(InputError, match="holds no lamp; choose the category from chairs"):
        read_objects(tmp_path, "lamp")


def test_objects_a_split_names_in_vain_are_refused_or_left_out(tmp_path, scenes, folders):
    link(folders, tmp_path / "chair")
    splits = {**SPLITS, "test": ["id4", "id7", "id8"]}
    scenes.write_json(tmp_path / "chair_splits.json", splits)
    with pytest.raises(InputError, match=r"2 of its objects are missing, such as id7; copy them"):
        read_objects(tmp_path)
    objects = read_objects(tmp_path, allow_absent=True)
    assert ids(objects)[2] == ["id4"]
    assert [name for name, _ in objects.skipped] == ["id7", "id8"]
    assert "named in chair_splits.json, but not in" in objects.skipped[0][1]


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        ({"val": ["id0"]}, "has the names val; a split has train, val and test"),
        ({**SPLITS, "more": []}, "has the names .*more"),
        ({**SPLITS, "val": "id0"}, "val is not a list"),
        ({**SPLITS, "val": ["id3"]}, "names id3 twice"),
        ({**SPLITS, "val": ["../chair/id1"]}, "'../chair/id1' leads out of"),
        ({**SPLITS, "val": ["/etc"]}, "'/etc' leads out of"),
        ({**SPLITS, "val": [3]}, "3 is not the name"),
        ({"train": [], "test": ["id0"]}, "holds no object for training"),
        ([], "contains a list"),
    ],
)
def test_splits_that_cannot_be_used_are_refused(tmp_path, scenes, folders, splits, message):
    link(folders, tmp_path / "chair")
    scenes.write_json(tmp_path / "chair_splits.json", splits)
    with pytest.raises(InputError, match=message):
        read_objects(tmp_path)


def test_validation_may_be_spelt_out_or_missing(tmp_path, scenes, folders):
    link(folders, tmp_path / "chair")
    scenes.write_json(tmp_path / "chair_splits.json", {"train": ["id0"], "validation": ["id1"]})
    assert ids(read_objects(tmp_path)) == [["id0"], ["id1"], []]


def test_srns_parts_are_the_split(tmp_path, folders):
    for part, names in SPLITS.items():
        (tmp_path / f"cars_{part}").mkdir()
        for name in names:
            (tmp_path / f"cars_{part}" / name).symlink_to(folders / name)
    for kind in (None, "cars", "car"):
        assert ids(read_objects(tmp_path, kind)) == [sorted(names) for names in SPLITS.values()]
    (tmp_path / "chairs_train").mkdir()
    with pytest.raises(InputError, match=r"several kinds \(cars, chairs\); give the folder of one"):
        read_objects(tmp_path)


def test_data_without_a_split_is_split_by_name_and_seed(tmp_path, folders):
    link(folders, tmp_path / "lamps" / "brass")
    drawn = [parts(read_objects(tmp_path, validation=1, test=2, seed=seed)) for seed in range(8)]
    for train, validation, test in drawn:
        assert (len(train), len(validation), len(test)) == (3, 1, 2)
        assert sorted(train + validation + test) == [f"lamps/brass/{name}" for name in IDS]
    assert len({str(one) for one in drawn}) > 4
    assert parts(read_objects(tmp_path, validation=1, test=2, seed=5)) == drawn[5]


def test_linked_folders_are_searched_once(tmp_path, folders):
    link(folders, tmp_path / "elsewhere")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "lamps").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "up").symlink_to(tmp_path / "root")
    objects = read_objects(tmp_path / "root", validation=0, test=0)
    assert sorted(objects.names) == [f"lamps/{name}" for name in IDS]


def test_counting_reads_no_picture_and_opening_decodes_none(tmp_path, scenes, folders, monkeypatch):
    link(folders, tmp_path / "chair")
    scenes.write_json(tmp_path / "chair_splits.json", SPLITS)
    monkeypatch.setattr(Image.Image, "convert", None)
    files = read_objects(tmp_path).open(0)
    assert len(files) == 2 and files.size_bytes == 2 * 4 * 6 * 4
    monkeypatch.setattr(Image, "open", None)
    assert len(read_objects(tmp_path).split.train) == 3


def test_folders_that_are_no_class_are_refused(tmp_path, folders):
    with pytest.raises(InputError, match="holds no object; folders with"):
        read_objects(tmp_path)
    with pytest.raises(InputError, match="is one object, not a class"):
        read_objects(folders / "id0")
    with pytest.raises(InputError, match="no such folder"):
        read_objects(tmp_path / "absent")
