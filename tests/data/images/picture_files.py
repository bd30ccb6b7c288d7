"""Valid and damaged pictures for the tests."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, pixels: np.ndarray, **options) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def damaged(folder: Path) -> dict[str, Path]:
    """Files that must be refused, by name."""
    picture = io.BytesIO()
    Image.fromarray(noise(64, 64)).save(picture, "JPEG")
    files = {
        "cut.jpg": picture.getvalue()[: len(picture.getvalue()) // 2],
        "text.png": b"this is no picture",
        "empty.png": b"",
        "one.png": png(1, 1, b"\x00\x80\x80\x80"),
        "bomb.png": png(20_000, 20_000, b""),
        "half_bomb.png": png(10_000, 9_000, b""),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}


def png(
    width: int,
    height: int,
    rows: bytes,
    depth: int = 8,
    colour: int = 2,
    before: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A PNG file whose header may declare more than its data.

    Args:
        width: In pixels.
        height: In pixels.
        rows: Each with its filter, before compression.
        depth: Bits per sample.
        colour: Type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
        before: Chunks before the pixels.
        after: Chunks after them.
    """
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    parts = chunk(b"IHDR", header), before, pixels, after, chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def rgb_png(pixels: np.ndarray, before: bytes = b"", after: bytes = b"") -> bytes:
    """Bytes (height, width, 3) as a PNG file with further chunks."""
    height, width, _ = pixels.shape
    return png(width, height, filtered(pixels), before=before, after=after)


def filtered(pixels: np.ndarray) -> bytes:
    """Rows of bytes, or of big-endian numbers, each after the filter 0."""
    return b"".join(b"\0" + row.tobytes() for row in pixels)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tiff(pixels: np.ndarray, tags: dict[int, int], bits: int | None = None) -> bytes:
    """Grey pixels as an uncompressed TIFF file; tags replace those of unsigned integers."""
    content = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    height, width = pixels.shape
    entries = {
        256: width, 257: height, 258: bits or pixels.dtype.itemsize * 8, 259: 1, 262: 1, 273: 8,
        277: 1, 278: height, 279: len(content), 339: 1, **tags,
    }  # fmt: skip
    rows = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(entries.items())]
    head = b"II*\0" + struct.pack("<I", 8 + len(content))
    return head + content + struct.pack("<H", len(rows)) + b"".join(rows) + bytes(4)
