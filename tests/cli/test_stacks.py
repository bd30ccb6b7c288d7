"""theta0 fit on stacks of slices in files of other programs."""

import numpy as np
import pytest
from PIL import Image

HU = np.random.default_rng(0).integers(-1000, 1000, (3, 12, 12)).astype(np.int16)


@pytest.fixture
def stacks(tmp_path):
    """The same slices as a TIFF stack, a folder of pictures and a MetaImage."""
    pages = [Image.fromarray(pixels.astype(np.int32)) for pixels in HU]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "folder").mkdir()
    for number, page in enumerate(pages):
        page.save(tmp_path / "folder" / f"{number}.tif")
    (tmp_path / "x.mha").write_bytes(
        b"ObjectType = Image\nNDims = 3\nDimSize = 12 12 3\nElementType = MET_SHORT\n"
        b"TransformMatrix = 1 0 0 0 1 0 0 0 1\nElementDataFile = LOCAL\n" + HU.tobytes()
    )
    np.save(tmp_path / "x.npy", HU)
    return tmp_path


def test_a_slice_of_any_stack_is_fitted_alike(theta0, ct_run, stacks):
    found = []
    for name in ("x.npy", "x.tif", "folder", "x.mha"):
        words = ["--index", 2, "--steps", 1, "--json", "--out", stacks / "out"]
        done = theta0("fit", ct_run, stacks / name, *words)
        assert done.code == 0, done.err
        found.append(done.json["steps"][-1]["psnr"])
    assert len(set(found)) == 1


@pytest.mark.slow
def test_all_slices_of_a_stack_are_fitted(theta0, ct_run, stacks):
    words = ["--index", "all", "--steps", 1, "--json", "--out", stacks / "out"]
    done = theta0("fit", ct_run, stacks / "x.tif", *words)
    assert done.code == 0, done.err
    assert len(done.json["slices"]) == 3


def test_formats_are_listed_in_the_help_and_where_one_is_unknown(theta0, ct_run, tmp_path):
    (tmp_path / "x.raw").write_bytes(bytes(500))
    told = theta0("fit", ct_run, tmp_path / "x.raw")
    assert told.code == 2
    for text in (told.err, theta0("fit", "--help").out):
        words = "".join(text.replace("│", "").split())
        for name in ("DICOM", ".nii.gz", ".mhd", ".npz", "TIFF"):
            assert name in words
