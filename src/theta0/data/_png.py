"""Leaves out of a PNG file what does not change its pixels, so that no fault in it counts.

Pillow refuses a picture for one chunk of metadata that is damaged, or inflates to more than 1 MB.
Here the chunks that decide the pixels are taken as they are. Of the others those are taken that say
something of the colours or of the orientation, if Pillow can read them.
"""

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image
from PIL.PngImagePlugin import PngStream

from theta0.memory import check_memory

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_COLOURS = (b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"eXIf")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_ORIENTED = (b"XML:com.adobe.xmp\0", b"Raw profile type exif\0")
"""Texts that may give an orientation."""

_LARGEST_METADATA, _LARGEST_PIXELS = 1 << 24, 1 << 29
_BLOCK = 1 << 20
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples per pixel, by the colour type."""
_ADAM7 = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)
)  # fmt: skip
"""First column and row, and steps between columns and rows, of each interlaced pass."""
_END = b"\0\0\0\0IEND\xaeB`\x82"


@dataclass(frozen=True, eq=False)
class Png:
    """A PNG file without what does not matter.

    Attributes:
        stream: The file, for Pillow.
        depth: Bits per sample.
        samples: Per pixel.
        frames: Of an animation; 1 of others. The stream holds the first.
        lost: Kinds of the chunks that were left out because they are damaged or too large.
        hdr: The colours have a transfer curve of their own (a cICP chunk that is not sRGB).
    """

    stream: io.BufferedIOBase
    depth: int
    samples: int
    frames: int
    lost: frozenset[bytes]
    hdr: bool


def without_metadata(name: str, stream: io.BufferedIOBase, pixels: bool = True) -> Png:
    """Read a PNG file; damaged pixels are left to Pillow.

    Args:
        name: Of the file, for errors.
        stream: The file.
        pixels: False leaves out the pixels as well, to read the header alone.

    Raises:
        InputError: Its compressed pixels are too large for memory.
    """
    kept: dict[bytes, list[bytes]] = {}
    lost, frames, total, cut = set[bytes](), 1, 0, False
    for kind, length, left in _chunks(stream):
        if kind in _PIXELS:
            if kind == b"IDAT" and not pixels:
                continue
            stored = min(length + 12, left)
            cut |= stored < length + 8  # the pixels are whole without their checksum
            total += stored
            check_memory(name, total, _LARGEST_PIXELS, "its pixels are stored in too many bytes")
            stream.seek(-8, io.SEEK_CUR)
            kept.setdefault(kind, []).append(stream.read(stored))
        elif kind == b"acTL" and length == 8:
            frames = max(1, int.from_bytes(stream.read(4), "big"))
        elif kind in _COLOURS + _TEXTS and kind not in kept:
            content = stream.read(length + 4) if length < _LARGEST_METADATA else b""
            if kind in _TEXTS and not content.startswith(_ORIENTED):
                continue
            if _sound(kind, content):
                kept[kind] = [length.to_bytes(4, "big") + kind + content]
            else:
                lost.add(kind)
    order = (b"IHDR", *_COLOURS, *_TEXTS, *_PIXELS[1:])
    parts = [chunk for kind in order for chunk in kept.get(kind, [])]
    header, cicp = b"".join(kept.get(b"IHDR", [])), b"".join(kept.get(b"cICP", []))
    return Png(
        stream=io.BytesIO(b"".join([SIGNATURE, *parts, b"" if cut else _END])),
        depth=header[16] if len(header) > 16 else 8,
        samples=_SAMPLES.get(header[17], 1) if len(header) > 17 else 1,
        frames=frames,
        lost=frozenset(lost),
        hdr=len(cicp) > 9 and (cicp[8], cicp[9]) != (1, 13),
    )


def _chunks(stream: io.BufferedIOBase) -> Iterator[tuple[bytes, int, int]]:
    """Kind and length of each chunk, with the stream at its content, and the bytes left with it."""
    at = stream.seek(0, io.SEEK_END)
    end, at = at, len(SIGNATURE)
    while at + 8 <= end:
        stream.seek(at)
        head = stream.read(8)
        length = int.from_bytes(head[:4], "big")
        yield head[4:], length, end - at
        if head[4:] == b"IEND":
            return
        at += 12 + length


def _sound(kind: bytes, content: bytes) -> bool:
    """Whether Pillow can read a chunk of metadata, which ends with its checksum."""
    data, stored = content[:-4], content[-4:]
    if len(stored) < 4 or zlib.crc32(kind + data) != int.from_bytes(stored, "big"):
        return False
    if kind == b"cICP":
        return len(data) == 4
    try:
        stream = PngStream(io.BytesIO(data))
        stream.call(kind, 0, len(data))
    except Exception:  # what Pillow raises depends on the chunk
        return False
    return kind != b"iCCP" or bool(stream.im_info.get("icc_profile"))


def require_all_rows(png: Png, image: Image.Image) -> None:
    """Decode a picture; Pillow leaves those rows black that its compressed pixels do not hold.

    Raises:
        OSError: Some are missing.
    """
    image.load()
    width, height = image.size
    interlaced = bool(image.info.get("interlace"))
    last = range(max(0, height - 1 - interlaced), height)
    rows = [image.crop((0, row, width, row + 1)) for row in last]
    if all(row.getbbox(alpha_only=False) for row in rows):
        return
    # They may be black indeed.
    inflate, left = zlib.decompressobj(), _raw_bytes(image, png.depth, png.samples, interlaced)
    for kind, length, _ in _chunks(png.stream):
        if kind == b"IDAT":
            data = png.stream.read(length)
            while data and left > 0:
                left -= len(inflate.decompress(data, _BLOCK))
                data = inflate.unconsumed_tail
    if left > 0:
        raise OSError("rows are missing")


def _raw_bytes(image: Image.Image, depth: int, samples: int, interlaced: bool) -> int:
    """Bytes of the pixels before compression, with a byte for the filter of each row."""
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        columns = max(0, -(-(image.width - left) // across))
        rows = max(0, -(-(image.height - top) // down))
        total += rows * (1 + -(-columns * samples * depth // 8)) if columns else 0
    return total


def mend_transparency(image: Image.Image, depth: int) -> None:
    """Scale a transparent colour as Pillow scales the pixels of PNG files; it does not do so."""
    key = image.info.get("transparency")
    if image.mode == "L" and depth < 8 and isinstance(key, int):
        image.info["transparency"] = key * 255 // ((1 << depth) - 1)
    elif image.mode == "RGB" and depth == 16 and isinstance(key, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in key)
