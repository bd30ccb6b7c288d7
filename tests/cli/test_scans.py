"""theta0 fit on measured sinograms, and on scans as hospitals and the authors store them."""

import json

import jax
import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from theta0.data.ct import phantom
from theta0.evaluation import Candidate, Init
from theta0.inits import load
from theta0.reconstruct import fit_signal
from theta0.signals import parallel_beam

DEGREES = np.arange(6) * 30.0
VALUES = np.random.default_rng(0).uniform(0, 0.5, (6, 9))


@pytest.fixture(scope="module")
def arrays():
    """An exact sinogram of 6 views with 9 detector pixels; the run learned from 8."""
    rays = parallel_beam(np.deg2rad(DEGREES), 9, True)
    values = phantom(5, 0).line_integrals(rays.start, rays.end).reshape(6, 9)
    return {"sinogram": values, "angles_deg": DEGREES}


@pytest.fixture(scope="module")
def sinogram_file(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("sinogram") / "scan.npz"
    np.savez(path, **arrays)
    return path


@pytest.mark.slow
def test_without_a_truth_the_loss_is_told_and_no_psnr(theta0, ct_run, sinogram_file, tmp_path):
    out = tmp_path / "fit"
    arguments = ["fit", ct_run, sinogram_file, "--steps", 3, "--out", out, "--json"]
    done = theta0(*arguments, "--inits", "learned", "standard")
    assert done.code == 0, done.err
    rows = done.json["steps"]
    assert [(row["init"], row["steps"]) for row in rows] == [
        (name, step) for name in ("learned", "standard") for step in (0, 1, 2, 3)
    ]
    assert all(set(row) == {"init", "rule", "lr", "steps", "loss"} for row in rows)
    assert json.loads((out / "results.json").read_text())["steps"] == rows
    assert "loss" in done.err and "dB" not in done.err and "SSIM" not in done.err
    # As large as the detector has pixels.
    assert np.asarray(Image.open(out / "reconstruction.png")).shape == (9, 9)
    assert {"fitted.safetensors", "strip.png"} <= {path.name for path in out.iterdir()}


@pytest.mark.slow
def test_the_loss_is_the_mean_squared_error_of_the_measurements(ct_run, sinogram_file):
    learned = load(ct_run / "init.safetensors")
    description = learned.description
    signal = description.data.read(sinogram_file)
    rule, loop = Candidate(description.inner.rule), description.inner.build()
    done = fit_signal("learned", Init(learned.field), rule, loop, description.forward, signal)
    support = signal.task.support
    predicted = np.asarray(description.forward(done.result.field, support.p))
    expected = np.mean((predicted.astype(np.float64) - support.y) ** 2)
    assert done.rows[-1]["loss"] == pytest.approx(expected, rel=1e-4)
    assert len(done.pictures) == len(done.rows) and done.pictures[0].shape == (1, 12, 12, 1)


def test_a_known_truth_is_what_the_fit_is_judged_by(theta0, ct_run, arrays, tmp_path):
    np.savez(tmp_path / "known.npz", **arrays, target=phantom(5, 0).rasterize(12))
    np.savez(tmp_path / "unknown.npz", **arrays)
    done = {
        name: theta0(
            "fit", ct_run, tmp_path / f"{name}.npz", "--steps", 2, "--out", tmp_path / name,
            "--json",
        )
        for name in ("known", "unknown")
    }  # fmt: skip
    assert {"psnr", "ssim"} <= set(done["known"].json["steps"][0])
    assert "dB" in done["known"].err and "dB" not in done["unknown"].err
    # The truth has changed nothing but the judgement, and stands beside the fit.
    one, other = (load(tmp_path / name / "fitted.safetensors").field for name in done)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(a, b)
    widths = [np.asarray(Image.open(tmp_path / name / "strip.png")).shape[1] for name in done]
    assert widths[0] > widths[1]


@pytest.mark.slow
def test_fewer_views_of_a_sinogram(theta0, refused, ct_run, sinogram_file, tmp_path):
    arguments = ["fit", ct_run, sinogram_file, "--steps", 1, "--out", tmp_path / "out", "--json"]
    losses = [theta0(*arguments, "--views", views).json["steps"][-1]["loss"] for views in (2, 6)]
    assert losses[1] == theta0(*arguments).json["steps"][-1]["loss"] != losses[0]
    for views in (0, 7):
        words = f"views={views}, but the sinogram has 6; give 1 to 6"
        refused(words, "fit", ct_run, sinogram_file, "--views", views)


@pytest.mark.parametrize(
    "change, words",
    [
        ({"angles_deg": DEGREES[:5]}, "angles_deg has shape .5,. for a sinogram of shape .6, 9."),
        ({"sinogram": np.where(VALUES > 0.4, np.nan, VALUES)}, "not numbers .NaN or infinite."),
        ({"sinogram": np.where(VALUES > 0.4, np.inf, VALUES)}, "not numbers .NaN or infinite."),
        ({"sinogram": np.zeros((6, 9))}, "sinogram is 0 everywhere"),
        ({"sinogram": np.full((6, 9), 0.2)}, "sinogram is 0.2 everywhere"),
        ({"sinogram": 100 * VALUES}, "divide sums over pixels"),
        ({"sinogram": VALUES[:, :1]}, "at least 2 detector pixels"),
        ({"beam": "cone"}, "'cone'; choose from parallel, fan"),
        ({"beam": "fan", "source_distance": 0.3}, "source_distance is 0.3; give at least 0.71"),
        ({"detector_spacing": 40.0}, "detector_spacing is 40"),
        ({"target": np.full((8, 8), 300.0)}, "not in .0, 1."),
    ],
)
def test_a_sinogram_that_cannot_be_used(refused, ct_run, tmp_path, change, words):
    path = tmp_path / "scan.npz"
    np.savez(path, **{"sinogram": VALUES, "angles_deg": DEGREES, **change})
    refused(words, "fit", ct_run, path)


def test_a_sinogram_has_no_pixels_no_stack_and_nothing_to_learn_from(
    refused, ct_run, images_run, sinogram_file
):
    refused("rays.*number of views", "fit", ct_run, sinogram_file, "--keep", "10%")
    refused("index=1, but a sinogram is of one slice", "fit", ct_run, sinogram_file, "--index", "1")
    refused("CT data.*pictures", "fit", images_run, sinogram_file)
    refused("can be fitted", "train", "ct-phantoms", "--scale", "smoke", "--data", sinogram_file)


@pytest.mark.parametrize(
    "hu, words", [(-1000, "at or below"), (3000, "at or above"), (0, "is 0.5")]
)
def test_a_slice_outside_the_window(refused, ct_run, tmp_path, hu, words):
    np.save(tmp_path / "slice.npy", np.full((16, 16), hu, np.int16))
    refused(f"{words}.*vary within the window", "fit", ct_run, tmp_path / "slice.npy")
    np.savez(tmp_path / "all.npz", hu=np.full((12, 8, 8), hu, np.int16))
    refused("all slices are constant", "train", "ct-phantoms", "--scale", "smoke", "--data",
            tmp_path / "all.npz")  # fmt: skip


@pytest.mark.slow
def test_slices_of_air_are_named_and_left_out_of_training(theta0, tmp_path):
    hu = np.random.default_rng(0).integers(-900, 900, (10, 8, 8)).astype(np.int16)
    hu[3] = -1024
    names = np.array([f"slice {i}" for i in range(10)])
    np.savez(tmp_path / "scans.npz", hu=hu, names=names, patient=names)
    done = theta0(
        "train", "ct-scans", "--scale", "smoke", "--data", tmp_path / "scans.npz",
        "--outer.steps", 1, "--out", tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "skipped slice 3: is 0 everywhere" in done.err
    assert "4 training signals" in done.err  # 9 less 2 to validate and 3 to test


@pytest.mark.slow
def test_the_authors_layout(theta0, ct_run, tmp_path):
    train, test = np.random.default_rng(0).random((2, 7, 16, 16)).astype(np.float32)
    path = tmp_path / "data_ct.npz"
    np.savez(path, data_train=train, data_test=test)
    done = theta0(
        "train", "ct-phantoms", "--scale", "smoke", "--data", path, "--outer.steps", 1, "--out",
        tmp_path / "run",
    )  # fmt: skip
    assert done.code == 0 and "5 training signals" in done.err, done.err
    np.save(tmp_path / "slice.npy", test[2])
    arguments = ["--steps", 1, "--out", tmp_path / "fit", "--json"]
    one, other = (
        theta0("fit", ct_run, *signal, *arguments).json["steps"]
        for signal in ([path, "--index", 2], [tmp_path / "slice.npy"])
    )
    assert one == other


def stored(seed):
    return np.random.default_rng(seed).integers(0, 2000, (16, 16), dtype=np.uint16)


def test_a_dicom_series_is_fitted_by_position(theta0, ct_run, write_dicom, tmp_path):
    for number, height in enumerate([20.0, 0.0, 10.0]):
        write_dicom(
            tmp_path / "series" / f"{number}.dcm", stored(number), RescaleSlope=0.5,
            RescaleIntercept=-700, ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            ImagePositionPatient=[0, 0, height],
        )  # fmt: skip
    np.save(tmp_path / "slice.npy", (stored(2) * 0.5 - 700 + 1000) / 2000)
    arguments = ["--steps", 1, "--out", tmp_path / "fit", "--json"]
    one, other = (
        theta0("fit", ct_run, *signal, *arguments).json["steps"]
        for signal in ([tmp_path / "series", "--index", 1], [tmp_path / "slice.npy"])
    )
    assert [row["psnr"] for row in one] == pytest.approx([row["psnr"] for row in other], abs=2e-3)


def test_dicom_that_cannot_be_used(refused, ct_run, write_dicom, tmp_path):
    for number, name in enumerate(("lung", "bone")):
        write_dicom(tmp_path / "two" / name, stored(0), f"1.2.3.{number}", SeriesDescription=name)
    refused("2 series, .*'lung' 1.2.3.0", "fit", ct_run, tmp_path / "two")
    refused("2 series", "train", "ct-phantoms", "--scale", "smoke", "--data", tmp_path / "two")
    bare = write_dicom(tmp_path / "bare.dcm", stored(0), PixelData=None)
    refused("has no pixel data", "fit", ct_run, bare)
    import pydicom

    packed = pydicom.dcmread(write_dicom(tmp_path / "packed.dcm", stored(0), compressed=True))
    packed.file_meta.TransferSyntaxUID = pydicom.uid.UID("1.2.840.10008.1.2.4.100")
    packed.save_as(tmp_path / "packed.dcm")
    refused("MPEG2.*cannot be decoded: convert", "fit", ct_run, tmp_path / "packed.dcm")


@pytest.mark.slow
def test_a_scanner_that_cannot_be(refused):
    for option, value, words in (
        ("rays", 1, "rays is 1; give at least 2"),
        ("beam", "cone", "parallel.*fan"),
        ("photons", 0, "photons is 0"),
        ("noise", -1, "noise is -1"),
        ("attenuation", 0, "attenuation is 0"),
        ("source.validation", -1, "validation is -1; give 0 or more"),
    ):
        refused(words, "train", "ct-phantoms", f"--data.{option}", value)
    fan = ["--data.beam", "fan", "--data.source-distance", "0.5"]
    refused("--data.source-distance is 0.5; give at least 0.71", "train", "ct-phantoms", *fan)


def test_what_is_implausible_may_be_trusted(theta0, refused, ct_run, arrays, tmp_path):
    radians = {**arrays, "angles_deg": np.deg2rad(DEGREES)}
    np.savez(tmp_path / "scan.npz", **radians)
    savemat(tmp_path / "scan.mat", radians)
    words = "angles_deg span only 2.62 degrees"
    for name in ("scan.npz", "scan.mat"):
        refused(f"{words}.*; or trust it", "fit", ct_run, tmp_path / name)
        done = theta0(
            "fit", ct_run, tmp_path / name, "--steps", 1, "--trust", "--out", tmp_path / "fit",
            "--json",
        )  # fmt: skip
        assert done.code == 0, done.err
        assert len(done.json["warnings"]) == 1 and words in done.json["warnings"][0]
        assert done.err.count("note: ") == 1


def test_a_sinogram_is_no_slice(theta0, refused, ct_run, tmp_path):
    rays = parallel_beam(np.arange(16) * np.pi / 16, 32, True)
    path = tmp_path / "scan.npy"
    np.save(path, phantom(5, 0).line_integrals(rays.start, rays.end).reshape(16, 32))
    refused("slice 0: looks like a sinogram.*numpy.savez", "fit", ct_run, path)
    refused("slice 'scan/0000': looks like a sinogram", "fit", ct_run, path, "--index", "all")
    out = ["--steps", 1, "--trust", "--out", tmp_path / "fit"]
    assert "trusted as it is" in theta0("fit", ct_run, path, *out).err
