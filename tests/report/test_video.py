"""Videos have every frame at the right time, and are never written in part."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from theta0.errors import InputError, MissingExtra
from theta0.report import check_video, depth_picture, write_video

# Grey frames with a white column that moves.
FRAMES = [np.full((10, 12, 3), 0.25) for _ in range(5)]
for _number, _frame in enumerate(FRAMES):
    _frame[:, 2 * _number] = 1.0


def test_a_gif_has_every_frame(tmp_path):
    write_video(tmp_path / "video.gif", iter(FRAMES), 20)
    with Image.open(tmp_path / "video.gif") as video:
        assert (video.n_frames, video.size) == (5, (12, 10)) and video.info["loop"] == 0
        for number, frame in enumerate(FRAMES):
            video.seek(number)
            shown = np.asarray(video.convert("RGB")) / 255
            np.testing.assert_allclose(shown, frame, atol=2 / 255)
            assert video.info["duration"] == 50


def test_frame_times_of_a_gif_are_multiples_of_10_ms_and_at_least_20_ms(tmp_path):
    for fps, milliseconds in ((30, 30), (100, 20), (0.5, 2000)):
        write_video(tmp_path / "video.gif", FRAMES, fps)
        with Image.open(tmp_path / "video.gif") as video:
            assert video.info["duration"] == milliseconds


def test_a_png_has_the_frames_in_rows(tmp_path):
    write_video(tmp_path / "sheet.png", FRAMES * 2, 20)
    with Image.open(tmp_path / "sheet.png") as sheet:
        width, height = sheet.size
    assert width > 8 * 100 and height > 2 * 100


def test_an_mp4_has_every_frame(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    odd = [np.pad(frame, [(0, 41), (0, 41), (0, 0)], mode="edge") for frame in FRAMES]
    write_video(tmp_path / "video.mp4", odd, 10)
    command = [ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / "video.mp4"]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run([*command, *raw], capture_output=True, check=True)
    assert b"10 fps" in done.stderr
    # 51 x 53 pixels, padded to even sides.
    frames = np.frombuffer(done.stdout, np.uint8).reshape(-1, 52, 54, 3)
    assert len(frames) == 5
    for shown, frame in zip(frames, odd, strict=True):
        assert np.abs(shown[:51, :53] / 255 - frame).mean() < 0.02


def test_an_mp4_without_encoder_is_refused_with_the_command_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingExtra, match=r"pip install 'theta0\[video\]'"):
        check_video(tmp_path / "video.mp4")


def test_a_failing_encoder_leaves_no_file(tmp_path, monkeypatch):
    encoder = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    encoder.get_ffmpeg_exe()  # runs ffmpeg once and caches its path

    class Failing(subprocess.Popen):
        def __init__(self, command, **options):
            program = "import sys; sys.stdin.buffer.read(); sys.exit(3)"
            super().__init__([sys.executable, "-c", program], **options)

    monkeypatch.setattr(subprocess, "Popen", Failing)
    with pytest.raises(OSError, match="exit code 3"):
        write_video(tmp_path / "video.mp4", FRAMES, 10)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["video.gif", "video.png"])
def test_an_interrupt_keeps_the_old_video(tmp_path, name):
    (tmp_path / name).write_bytes(b"old")

    def interrupted():
        yield FRAMES[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / name, interrupted(), 20)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"old")]


@pytest.mark.parametrize("name", ["video.avi", "video"])
def test_other_file_types_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"end it in \.gif, \.mp4, \.png"):
        check_video(tmp_path / name)


def test_near_is_bright_far_is_dark_and_transparency_shows_the_background():
    depth = np.array([[3.0, 4.0, 5.0, np.inf]])
    colours = depth_picture(depth, np.array([[1.0, 1.0, 1.0, 0.0]]), 3, 5)
    brightness = colours[0] @ [0.2126, 0.7152, 0.0722]
    assert brightness[0] > brightness[1] > brightness[2]
    np.testing.assert_array_equal(colours[0, 3], 1)
    half = depth_picture(depth, np.full((1, 4), 0.5), 3, 5, background=0.0)
    np.testing.assert_allclose(half[:, :3], colours[:, :3] / 2)
