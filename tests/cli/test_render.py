"""theta0 render: videos of fitted objects and scenes."""

import numpy as np
import pytest
from PIL import Image

from theta0.data.cameras import orbit
from theta0.inits import load
from theta0.reconstruct import render_view

pytestmark = pytest.mark.slow


def frames_of(path):
    with Image.open(path) as video:
        for number in range(video.n_frames):
            video.seek(number)
            yield np.asarray(video.convert("RGB")) / 255


def rendered(theta0, *words):
    done = theta0("render", *words, "--json")
    assert done.code == 0, done.err
    return done


@pytest.fixture(scope="module")
def other_fit(tmp_path_factory, view_run, chair):
    from theta0.cli import run

    out = tmp_path_factory.mktemp("fits") / "other"
    words = ["fit", view_run, chair, "--views", 3, "--steps", 9, "--lr", 0.3, "--out", out]
    assert run([str(word) for word in words]) == 0
    return out


def test_frames_are_the_fit_seen_along_the_path(theta0, chair_fit, tmp_path):
    out = tmp_path / "video.gif"
    words = ["--frames", 3, "--size", 20, "--elevation", 30, "--azimuth", 10, "--out", out]
    done = rendered(theta0, chair_fit, *words)
    assert done.json["out"] == str(out) and done.json["frames"] == 3
    fitted = load(chair_fit / "fitted.safetensors")
    data, volume = fitted.description.data, fitted.description.forward
    for turn, frame in zip((0, 120, 240), frames_of(out), strict=True):
        camera = data.camera(orbit(10 + turn, 30, data.distance), 20)
        view = render_view(volume, fitted.field, data, camera)
        # 256 colours for 400 pixels.
        assert np.abs(frame - view.colour).max() < 0.05


def test_depth_stands_beside_it(theta0, chair_fit, tmp_path):
    words = [chair_fit, "--frames", 1, "--size", 20, "--out", tmp_path / "video.gif"]
    rendered(theta0, *words)
    (alone,) = frames_of(tmp_path / "video.gif")
    rendered(theta0, *words, "--depth")
    (both,) = frames_of(tmp_path / "video.gif")
    assert alone.shape == (20, 20, 3) and both.shape == (20, 40, 3)
    np.testing.assert_allclose(both[:, :20], alone, atol=0.1)


def test_the_background_and_the_camera_may_be_told(theta0, chair_fit, tmp_path):
    words = [chair_fit, "--frames", 1, "--size", 20, "--out", tmp_path / "video.gif"]
    corner = {}
    for name, options in {
        "white": [], "black": ["--background", "black"],
        "near": ["--background", "black", "--distance", 1.5],
        "wide": ["--background", "black", "--fov", 90],
    }.items():  # fmt: skip
        rendered(theta0, *words, *options)
        (frame,) = frames_of(tmp_path / "video.gif")
        corner[name] = frame[0, 0].max()
        covered = (frame.max(axis=-1) > 0).mean()
        if name == "near":  # the sphere fills the picture
            assert covered > 0.9
        if name == "wide":
            assert covered < 0.2
    assert corner["white"] == 1 and corner["black"] == 0


def test_several_fits_are_shown_by_the_same_camera(theta0, chair_fit, other_fit, tmp_path):
    common = ["--frames", 2, "--size", 20, "--out", tmp_path / "video.gif"]
    alone = []
    for fit in (chair_fit, other_fit):
        rendered(theta0, fit, *common)
        alone.append(list(frames_of(tmp_path / "video.gif")))
    rendered(theta0, chair_fit, other_fit, *common)
    for number, both in enumerate(frames_of(tmp_path / "video.gif")):
        shown, (one, other) = np.split(both, 2, axis=1), (frames[number] for frames in alone)
        apart = lambda left, right: np.abs(left - right).mean()  # 256 colours in each file
        assert apart(shown[0], one) < apart(shown[0], other)
        assert apart(shown[1], other) < apart(shown[1], one)


def test_interpolation_ends_at_the_other_fit(theta0, chair_fit, other_fit, tmp_path):
    common = ["--size", 16, "--out", tmp_path / "video.gif"]
    where = ["--azimuth", 0, "--frames", 5]
    rendered(theta0, chair_fit, other_fit, "--path", "interpolate", *common, *where)
    frames = list(frames_of(tmp_path / "video.gif"))
    assert len(frames) == 5
    for place, fit in ((0, chair_fit), (-1, other_fit)):
        # The camera turns by 90 degrees in 5 steps.
        where = ["--azimuth", 0 if place == 0 else 72, "--frames", 1]
        rendered(theta0, fit, *common, *where)
        (frame,) = frames_of(tmp_path / "video.gif")
        np.testing.assert_allclose(frames[place], frame, atol=0.02)


def test_a_learned_initialization_and_a_file_are_rendered_too(
    theta0, view_run, chair_fit, tmp_path
):
    out = tmp_path / "learned.png"
    rendered(theta0, view_run, "--out", out, "--frames", 2)
    assert out.exists()
    rendered(theta0, chair_fit / "fitted.safetensors", "--path", "spiral", "--out", out)
    done = rendered(theta0, view_run / "init.safetensors", "--out", out)
    assert done.json["frames"] == 8 and done.json["size"] == 12


def test_a_video_without_a_name_lies_with_its_fit(theta0, chair_fit, tmp_path):
    import shutil

    folder = shutil.copytree(chair_fit, tmp_path / "fit")
    done = rendered(theta0, folder, "--frames", 2)
    assert done.json["out"] == str(folder / "orbit.gif") and (folder / "orbit.gif").exists()


def test_an_mp4(theta0, chair_fit, tmp_path):
    pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    rendered(theta0, chair_fit, "--frames", 2, "--size", 33, "--out", tmp_path / "video.mp4")
    assert b"ftyp" in (tmp_path / "video.mp4").read_bytes()[:16]


def test_what_cannot_be_rendered(refused, chair_fit, view_run, images_run, tmp_path):
    refused("--frames|frames is 0", "render", chair_fit, "--frames", 0, "--out", "video.gif")
    refused("fps is 0", "render", chair_fit, "--fps", 0, "--out", "video.gif")
    refused("--size 1:", "render", chair_fit, "--size", 1, "--out", "video.gif")
    refused("end it in .gif, .mp4, .png", "render", chair_fit, "--out", "video.avi")
    refused("is a folder", "render", chair_fit, "--out", tmp_path)
    refused("from outside", "render", chair_fit, "--distance", 1, "--out", "video.gif")
    refused("field of view", "render", chair_fit, "--fov", 0, "--out", "video.gif")
    refused("not a finite number", "render", chair_fit, "--elevation", "nan", "--out", "video.gif")
    refused("-90 to 90", "render", chair_fit, "--elevation", "200", "--out", "video.gif")
    refused("neither fitted.safetensors nor init", "render", tmp_path, "--out", "video.gif")
    refused("no such file", "render", "nobody.safetensors", "--out", "video.gif")
    refused("neither a file", "render", "nobody", "--out", "video.gif")
    refused("not of an object", "render", images_run, "--out", "video.gif")
    refused("name both", "render", chair_fit, "--path", "interpolate", "--out", "video.gif")
    three = [chair_fit] * 3
    refused("name both", "render", *three, "--path", "interpolate", "--out", "video.gif")
    between = [chair_fit, images_run, "--path", "interpolate"]
    refused("not of an object", "render", *between, "--out", "video.gif")


def test_fits_of_other_networks_are_not_interpolated(refused, chair_fit, tmp_path):
    import dataclasses

    import jax

    from theta0.inits import Initialization

    fitted = load(chair_fit / "fitted.safetensors")
    config = dataclasses.replace(fitted.description.field, width=9)
    description = dataclasses.replace(fitted.description, field=config)
    other = Initialization(config.build(jax.random.PRNGKey(0)), fitted.rule, description)
    other.save(tmp_path / "a.safetensors")
    words = [chair_fit, tmp_path / "a.safetensors", "--path", "interpolate", "--out", "video.gif"]
    refused("different networks", "render", *words)


def test_an_interrupt_leaves_no_half_video(refused, chair_fit, monkeypatch):
    import theta0.cli.render as command

    calls = iter(range(2))

    def interrupted(*arguments):
        if next(calls) == 1:
            raise KeyboardInterrupt
        return render_view(*arguments)

    monkeypatch.setattr(command, "render_view", interrupted)
    refused("interrupted", "render", chair_fit, "--frames", 3, "--out", "video.gif", code=1)
