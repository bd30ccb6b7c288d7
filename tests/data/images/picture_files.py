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


def png(width: int, height: int, rows: bytes, depth: int = 8) -> bytes:
    """A PNG file whose header may declare more than its data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
