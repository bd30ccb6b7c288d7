"""A folder of volumes: each is a patient, so that a preset can be trained on them."""

import numpy as np
import pytest

from theta0.data.ct import read_slice_splits, read_slices
from theta0.errors import InputError, InputWarning

from .hounsfield import random_hu, windowed

HU = random_hu(12, 6, 8)
HEADER = "ObjectType = Image\nNDims = 3\nDimSize = 8 {rows} {slices}\nElementType = MET_SHORT\n"


def write(path, hu):
    text = HEADER.format(rows=hu.shape[1], slices=len(hu))
    path.with_suffix(".raw").write_bytes(hu.tobytes())
    path.write_text(f"{text}TransformMatrix = 1 0 0 0 1 0 0 0 1\nElementDataFile = {path.stem}.raw")


def test_each_volume_of_a_folder_is_a_patient(tmp_path):
    for number, part in enumerate((HU[:3], HU[3:7], HU[7:])):
        write(tmp_path / f"p{number + 9}.mhd", part)
    slices = read_slices(tmp_path)
    np.testing.assert_allclose(slices.pixels, windowed(HU), atol=1e-6)
    assert slices.groups == ("p9.mhd",) * 3 + ("p10.mhd",) * 4 + ("p11.mhd",) * 5
    assert slices.names[3] == "p10.mhd/0000"
    parts = read_slice_splits(tmp_path, 8, validation=1, test=1)
    assert sorted(map(len, (parts.train, parts.validation, parts.test))) == [3, 4, 5]


def test_volumes_of_several_sizes_are_no_stack(tmp_path):
    write(tmp_path / "a.mhd", HU)
    write(tmp_path / "b.mhd", HU[:, :5])
    with pytest.raises(InputError, match=r"b.mhd: has slices of 5 x 8 pixels, but a.mhd of 6 x 8"):
        read_slices(tmp_path)


def test_other_files_are_counted_but_the_voxels_of_a_header_are_not(tmp_path):
    write(tmp_path / "a.mhd", HU)
    (tmp_path / "labels.json").write_text("{}")
    with pytest.warns(InputWarning, match=r"1 files that are of another .* such as labels\.json"):
        assert len(read_slices(tmp_path)) == 12
