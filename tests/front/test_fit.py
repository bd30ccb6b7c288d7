"""``theta0.load`` and ``init.fit``: arrays in, arrays out."""

import numpy as np
import optax
import pytest
from PIL import Image
from skimage.transform import radon

import theta0
from theta0.data.ct import phantom
from theta0.errors import InputWarning
from theta0.metrics import psnr

pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def faces():
    return theta0.load("faces")


@pytest.fixture(scope="module")
def phantoms():
    return theta0.load("phantoms")


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(0)
    coarse = (255 * rng.random((5, 5, 3))).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((128, 128), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def slice_():
    return phantom(7, 3).rasterize(128)


@pytest.mark.slow
def test_floats_bytes_pillow_and_files_are_the_same_picture(faces, picture, tmp_path):
    Image.fromarray(picture).save(tmp_path / "p.png")
    given = [picture, picture / 255, Image.fromarray(picture), tmp_path / "p.png"]
    found = [faces.fit(one, steps=2) for one in given]
    assert len({fit.psnr for fit in found}) == 1
    np.testing.assert_allclose(found[0].losses, found[3].losses, rtol=1e-5)


@pytest.mark.slow
def test_a_fit_shows_itself_at_any_size(faces, picture, tmp_path):
    fit = faces.fit(picture, steps=2)
    assert fit.image().shape == (128, 128, 3)
    assert fit.image(size=32).shape == (32, 32, 3)
    assert fit.image(size=20, region=(0, 0, 0.5, 1)).shape == (10, 20, 3)
    # 2 dB is more than another order of sums could explain; equal to 3 digits when written.
    assert abs(psnr(fit.image(), picture / 255) - fit.psnr) < 0.02
    assert fit.losses.shape == (2,) and fit.rows[-1]["steps"] == 2
    assert "psnr=" in repr(fit)
    folder = fit.save(tmp_path / "fit")
    again = theta0.load(folder)
    np.testing.assert_array_equal(again.field.layers[0].weight, fit.field.layers[0].weight)


@pytest.mark.slow
def test_a_rectangle_is_fitted_on_its_centred_square(faces, picture):
    wide = np.concatenate([picture[:, :20] * 0, picture, picture[:, :20] * 0], axis=1)
    with pytest.warns(InputWarning, match="168 x 128 pixels the centred square is fitted"):
        fit = faces.fit(wide, steps=1)
    np.testing.assert_allclose(fit.losses, faces.fit(picture, steps=1).losses, rtol=1e-5)


@pytest.mark.slow
def test_rules_by_name_by_settings_and_from_optax(phantoms, slice_):
    run = lambda rule: phantoms.fit(slice_, views=4, steps=3, rule=rule)
    by_name, by_settings, by_optax = run("adam:1e-3"), run(theta0.Adam(1e-3)), run(optax.adam(1e-3))
    np.testing.assert_array_equal(by_name.losses, by_settings.losses)
    np.testing.assert_allclose(by_name.losses, by_optax.losses, rtol=1e-3)
    assert phantoms.fit(slice_, views=4, steps=3).losses[-1] != by_name.losses[-1]


@pytest.mark.slow
def test_a_sinogram_of_radon_is_reconstructed(phantoms, slice_):
    degrees = np.linspace(0, 180, 8, endpoint=False)
    values = radon(slice_, degrees).T / len(slice_)
    given = theta0.Sinogram(values, angles_deg=degrees, axis=len(slice_) // 2, target=slice_)
    fit = phantoms.fit(given, steps=8)
    assert fit.psnr > 20  # 24.5 from rays of the phantom itself
    unknown = theta0.Sinogram(values, angles_rad=np.deg2rad(degrees), axis=len(slice_) // 2)
    found = phantoms.fit(unknown, steps=8)
    assert found.psnr is None and found.metrics["loss"] > 0
    np.testing.assert_allclose(found.losses, fit.losses, rtol=1e-4)


@pytest.mark.slow
def test_an_object_is_fitted_to_views_and_seen_from_elsewhere():
    chair = theta0.load("chair")
    camera = chair.description.data.poses("orbit", 4, None, None)
    images = np.ones((4, 64, 64, 3), np.uint8) * np.uint8(255)
    images[:, 20:40, 20:40] = 90
    views = theta0.Views(images, c2w=camera, fov_deg=30.0)
    fit = chair.fit(views, views=1, steps=3)
    seen = fit.view(camera[1], size=16)
    assert seen.colour.shape == (16, 16, 3) and np.isfinite(seen.colour).all()
    with pytest.raises(theta0.InputError, match="no picture"):
        fit.image()
    one = theta0.Views(images[:1], c2w=camera[:1], fov_deg=30.0)
    alone = chair.fit(one, steps=3)
    np.testing.assert_allclose(alone.losses, fit.losses, rtol=1e-5)
    assert alone.psnr is None and alone.metrics["loss"] > 0


WRONG = {
    "channels first": (lambda p: p.transpose(2, 0, 1), "move its first axis to the end"),
    "floats to 255": (lambda p: p.astype(float), "divide by 255, or give uint8"),
    "not a number": (lambda p: np.full(p.shape, np.nan), "not finite"),
    "integers": (lambda p: p.astype(np.int32), "int32; give floats in .0, 1., or uint8"),
    "two channels": (lambda p: p[..., :2], "shape .128, 128, 2."),
    "a stack": (lambda p: p[None], r"shape \(1, 128, 128, 3\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_picture_is_refused_in_the_callers_words(faces, picture, name):
    change, words = WRONG[name]
    with pytest.raises(theta0.InputError, match=words):
        faces.fit(change(picture))


def test_what_does_not_fit_the_kind_is_refused(faces, phantoms, picture, slice_):
    with pytest.raises(theta0.InputError, match=r"theta0\.Sinogram"):
        phantoms.fit(picture)
    with pytest.raises(theta0.InputError, match="views are of CT slices"):
        faces.fit(picture, views=3)
    with pytest.raises(
        theta0.InputError, match=r"no update rule is registered as 'adm' .did you mean adam"
    ):
        phantoms.fit(slice_, rule="adm")
    with pytest.raises(theta0.InputError, match="one of angles_deg, angles_rad"):
        theta0.Sinogram(np.ones((4, 9)) * np.arange(9) / 20)


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"steps": 0}, "steps is 0; give a whole number, 1 or more"),
        ({"steps": -1}, "steps is -1; give a whole number, 1 or more"),
        ({"batch": 0}, "batch is 0"),
        ({"batch": -3}, "batch is -3"),
        ({"seed": -1}, "seed is -1"),
        ({"seconds": -1}, "seconds is -1; give a time above 0"),
        ({"seconds": 1, "validation_fraction": 0.1}, "give one of the two"),
        ({"validation_fraction": 2.0}, "validation_fraction is 2.0; give a fraction"),
        ({"rule": "learned+adm"}, "did you mean adam"),
        ({"mask": np.ones((3, 4))}, "the mask: a mask of 4 x 3 pixels for a picture of 128 x 128"),
        ({"mask": np.zeros((128, 128))}, "leaves nothing to fit"),
        ({"views": 3}, "views are of CT slices and objects"),
    ],
)
def test_what_a_fit_cannot_be_told_is_refused_in_a_line(faces, picture, arguments, words):
    with pytest.raises(theta0.InputError, match=words):
        faces.fit(picture, **arguments)


@pytest.mark.slow
def test_the_learned_steps_can_be_followed_by_adam(faces, picture):
    fit = faces.fit(picture, steps=3, rule="learned+adam:1e-4")
    assert fit.rows[-1]["rule"] == "learned+adam"
    assert fit.rows[-1]["psnr"] > faces.fit(picture, steps=2).psnr


@pytest.mark.slow
def test_a_mask_is_an_array_or_a_file(faces, picture, tmp_path):
    seen = np.arange(128) < 64
    mask = np.broadcast_to(seen, (128, 128))
    Image.fromarray(np.uint8(255 * mask)).save(tmp_path / "mask.png")
    found = [faces.fit(picture, steps=2, mask=one) for one in (mask, tmp_path / "mask.png")]
    assert found[0].metrics == found[1].metrics and "psnr_unseen" in found[0].metrics
    kept = faces.fit(picture, steps=1, keep=0.5)
    assert kept.signal.task.support.y.shape == (128 * 128 // 2, 3)


@pytest.mark.slow
def test_a_grey_picture_is_fitted_in_colour_whatever_it_is_given_as(faces, picture, tmp_path):
    grey = picture[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    given = [grey, grey[..., None], Image.fromarray(grey), tmp_path / "grey.png"]
    found = [faces.fit(one, steps=1) for one in given]
    assert len({fit.psnr for fit in found}) == 1 and found[0].image().shape == (128, 128, 3)


@pytest.mark.slow
def test_a_fit_goes_on_from_itself_flipped_or_not(faces, picture):
    fit = faces.fit(picture, steps=2, flip=True)
    again = fit.initialization()
    assert again.fit(picture, steps=1).loop.flip
    assert not again.fit(picture, steps=1, rule="adam:1e-4", flip=False).loop.flip
    assert "flip" not in repr(again) and "LearnedInitialization('faces'" in repr(again)


def test_what_a_fit_cannot_show_is_refused(faces, picture, tmp_path):
    fit = faces.fit(picture, steps=1)
    for size in (0, -3, 1, 20_000):
        with pytest.raises(theta0.InputError, match="size is"):
            fit.image(size=size)
    with pytest.raises(theta0.InputError, match=r"region is .*top, left, bottom, right"):
        fit.image(region=(0, 0, 1))
    (tmp_path / "file").touch()
    with pytest.raises(theta0.InputError, match="is a file; give a folder"):
        fit.save(tmp_path / "file")
    with pytest.raises(theta0.InputError, match=r"x.png: named like a file"):
        fit.save(tmp_path / "x.png")
    with pytest.raises(theta0.InputError, match=r"q.npz: a .safetensors file is written"):
        faces.save(tmp_path / "q.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
