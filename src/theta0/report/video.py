"""Frames as a video: GIF, MP4, or a contact sheet in one PNG."""

import io
import itertools
import math
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from theta0.errors import InputError, MissingExtra
from theta0.files import write_bytes
from theta0.memory import MAX_BYTES, check_memory

from .pictures import picture_grid, to_bytes

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".gif", ".mp4", ".png")

Frame = Float[np.ndarray, "height width 3"]

_ACROSS = 8


_HELD = {".gif": 2, ".mp4": 0, ".png": 32}
"""Bytes for each pixel of each frame that are in memory at the end, by suffix."""


def check_video(path: Path, frames: int = 1, pixels: int = 0) -> None:
    """Refuse a file that :func:`write_video` cannot write, before anything is rendered.

    Args:
        path: the file.
        frames: how many it is to hold.
        pixels: of each of them.

    Raises:
        InputError: its suffix is none of ``SUFFIXES``, or it holds too many frames for memory.
        MissingExtra: it is an MP4, and the encoder is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: unknown file type {suffix!r}; end it in {', '.join(SUFFIXES)}")
    needed, remedy = _HELD[suffix] * frames * pixels, "render fewer, or smaller ones, or an .mp4"
    check_memory(f"frames is {frames}, with {pixels} pixels each", needed, MAX_BYTES, remedy)
    if suffix == ".mp4":
        _encoder()


def write_video(path: Path, frames: Iterable[Frame], fps: float | int) -> None:
    """Write frames of one size, in [0, 1]; an interrupted call leaves no partial file.

    Args:
        path: ``.gif`` and ``.mp4`` are videos; ``.png`` shows the frames in rows, enlarged.
        frames: consumed one by one.
        fps: frames per second; a GIF has a resolution of 10 ms per frame, and at most 50 frames
            per second.
    """
    check_video(path)
    write = {".gif": _gif, ".mp4": _mp4, ".png": _sheet}[path.suffix.lower()]
    write_bytes(path, write(frames, fps))


def _sheet(frames: Iterable[Frame], fps: float | int) -> bytes:
    pictures = list(frames)
    across = min(len(pictures), _ACROSS)
    cells = [*pictures, *[None] * (-len(pictures) % across)]
    grid = [cells[first : first + across] for first in range(0, len(cells), across)]
    return picture_grid(grid, [""] * len(grid), [""] * across, max_bytes=4_000_000)


def _gif(frames: Iterable[Frame], fps: float | int) -> bytes:
    first, *rest = _paletted(frames)
    hundredths = max(2, math.floor(100 / fps + 0.5))
    out = io.BytesIO()
    first.save(
        out, "GIF", save_all=True, append_images=rest, duration=10 * hundredths, loop=0, disposal=1
    )
    return out.getvalue()


def _paletted(frames: Iterable[Frame]) -> Iterator["Image.Image"]:
    """Frames reduced to 256 colours each."""
    from PIL import Image

    for frame in frames:
        yield Image.fromarray(to_bytes(frame)).quantize(256, dither=Image.Dither.NONE)


def _mp4(frames: Iterable[Frame], fps: float | int) -> bytes:
    encoder = _encoder()
    pixels = (_even(to_bytes(frame)) for frame in frames)
    first = next(pixels)
    height, width, _ = first.shape
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
        coded = ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-movflags", "+faststart"]
        command = [encoder, "-loglevel", "error", *raw, "-r", f"{fps:g}", "-i", "-", *coded]
        with subprocess.Popen([*command, str(path)], stdin=subprocess.PIPE) as process:
            assert process.stdin is not None
            for frame in itertools.chain([first], pixels):
                process.stdin.write(frame.tobytes())
        if process.returncode:
            raise OSError(f"ffmpeg failed (exit code {process.returncode}); its message is above")
        return path.read_bytes()


def _even(pixels: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Make both sides even by repeating the last row or column, as 4:2:0 subsampling requires."""
    height, width, _ = pixels.shape
    return np.pad(pixels, [(0, height % 2), (0, width % 2), (0, 0)], mode="edge")


def _encoder() -> str:
    """The path of ffmpeg, which is run directly: JAX warns of the fork in imageio's wrapper."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError as error:
        raise MissingExtra(
            "writing .mp4 needs imageio-ffmpeg: pip install 'theta0[video]'; .gif and .png do not"
        ) from error
    return get_ffmpeg_exe()
