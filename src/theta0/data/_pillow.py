"""Opens pictures: headers are checked first, and decoder errors become one line.

This is the only place that opens pictures with Pillow, and that knows their orientation; but for
textures of meshes, which may be of a single pixel and of other formats (`meshes._textures`). Only
formats of `FORMATS` are opened, whatever a file is called: other plugins of Pillow run programs
(PostScript) or read what is no picture.
"""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image, UnidentifiedImageError

from theta0.data._files import existing_file, reason
from theta0.data._picture_remarks import remarks_on
from theta0.data._png import SIGNATURE, Png, mend_transparency, require_all_rows, without_metadata
from theta0.data._tiff import bits
from theta0.errors import InputError, MissingExtra
from theta0.memory import check_memory

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP", "JPEG2000", "AVIF")
"""Names of the formats of Pillow that are opened. HEIC is read by pillow-heif, if it is there."""

MAX_PIXELS = 89_478_485
"""Largest picture that is decoded, Pillow's own default: 256 MiB at 3 bytes per pixel."""

MAX_PICTURE_BYTES = 1 << 30
"""Most memory for decoding and converting a picture."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by the EXIF orientation; 1 is upright already."""

_ORIENTATION = 274
_MODULES = {"JPEG2000": "Jpeg2K", "WEBP": "WebP"}
_STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2}
_DECODER_BYTES = {"JPEG2000": 12, "AVIF": 8, "HEIF": 8, "WEBP": 4}
_SIGNATURES = {
    b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"BM": "BMP", b"GIF8": "GIF", b"RIFF": "WEBP",
    b"II": "TIFF", b"MM": "TIFF", b"P6": "PPM", b"P5": "PPM", b"%!": "PostScript", b"%PDF": "PDF",
    b"<svg": "SVG", b"<?xml": "XML", b"<!DOC": "HTML", b"<html": "HTML", b"8BPS": "Photoshop",
    b"ftypavi": "AVIF", b"jP  ": "JPEG2000",
}  # fmt: skip
"""What a file is, by its first bytes."""
_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture whose header was read; Pillow decodes it when its pixels are needed.

    Attributes:
        name: Of its file.
        image: Its pixels as they are stored, whatever the file says of its orientation.
        orientation: The EXIF orientation: 1 (upright) to 8.
        remarks: What of the file is not used, although it changes what the picture shows.
        turned: The decoder turned it already, as the file says: only HEIC.
        png: What was read of a PNG file.
    """

    name: str
    image: Image.Image
    orientation: int
    remarks: tuple[str, ...]
    turned: bool = False
    png: Png | None = None

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height of the upright picture."""
        width, height = self.image.size
        return (height, width) if self.orientation > 4 else (width, height)

    def upright(self) -> Image.Image:
        """The picture turned as its file says."""
        turn = _TURNS.get(self.orientation)
        return self.image if turn is None else self.image.transpose(turn)


@contextmanager
def opened(
    source: str | Path | bytes, name: str | None = None, header_only: bool = False
) -> Iterator[Picture]:
    """Open a picture and check its header; decode it within the block.

    Args:
        source: A file, or its content.
        name: What it is called in errors; the path when left out.
        header_only: The pixels will not be asked for.

    Raises:
        InputError: It is not a picture, is too large or is damaged.
        MissingExtra: It is a HEIC file, and pillow-heif is not installed.
    """
    name = name or ("a picture" if isinstance(source, bytes) else str(source))
    with _stream(source) as stream:
        try:
            with quiet():
                picture = _opened(name, stream, header_only)
            with picture.image:
                if picture.png is not None and not header_only:
                    require_all_rows(picture.png, picture.image)
                yield picture
        except (InputError, MissingExtra):
            raise
        except Image.DecompressionBombError as error:
            raise _too_large(name, "too many") from error
        except Exception as error:  # decoders raise many types on damaged files
            raise InputError(
                f"{name}: is damaged or truncated ({reason(error)}); copy it again or remove it"
            ) from error


def _stream(source: str | Path | bytes) -> io.BufferedIOBase:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    path = existing_file(source)
    try:
        if not path.stat().st_size:
            raise InputError(f"{path}: is empty (0 bytes); copy it again or remove it")
        return path.open("rb")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be opened ({error.strerror}); check its permissions"
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Ignore Pillow's warnings of damaged metadata; one thread at a time changes the filters."""
    with _LOCK, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\b")
        yield


def _opened(name: str, stream: io.BufferedIOBase, header_only: bool) -> Picture:
    head = stream.read(64)
    png = without_metadata(name, stream, not header_only) if head.startswith(SIGNATURE) else None
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if _is_heic(head):
        image = _opened_heic(name, stream)
    else:
        image = _identified(name, stream if png is None else png.stream, head)
    _check_pixels(name, image, size)
    frames = _frames(image) if png is None else png.frames
    depth = 8 if png is None else png.depth
    if image.format == "TIFF":
        depth = bits(image)
        _leave_as_stored(image)
    mend_transparency(image, depth)
    orientation = _orientation(image)
    if not header_only:
        needed = image.width * image.height * _bytes_per_pixel(image, orientation != 1)
        check_memory(name, needed, MAX_PICTURE_BYTES, "make the picture smaller first")
    lost = png is not None and b"iCCP" in png.lost
    remarks = remarks_on(image, frames, depth, lost, png is not None and png.hdr)
    turned = (image.info.get("original_orientation") or 1) != 1
    return Picture(name, image, orientation, remarks, turned, png)


def _identified(name: str, stream: io.BufferedIOBase, head: bytes) -> Image.Image:
    try:
        file: Any = stream
        return Image.open(file, formats=_formats())
    except UnidentifiedImageError as error:
        # That of an AVIF file comes after the length of its first box.
        starts = [x for x in _SIGNATURES if head.startswith(x) or head[4:].startswith(x)]
        known = _SIGNATURES[starts[0]] if starts else None
        if known in FORMATS:
            raise InputError(
                f"{name}: is a {known} file that is damaged, or of a kind that is not read; save "
                "it again as PNG or JPEG"
            ) from error
        raise InputError(
            f"{name}: {f'is {known}' if known else 'is not a picture'}, not in one of the formats "
            f"that are read ({', '.join(FORMATS)}, HEIC); convert it to PNG or JPEG"
        ) from error


@cache
def _formats() -> tuple[str, ...]:
    """`FORMATS`, as far as this version of Pillow knows them."""
    for name in FORMATS:
        # Pillow looks for a format that it has not loaded in all of its plugins.
        if find_spec(module := f"PIL.{_MODULES.get(name, name.capitalize())}ImagePlugin"):
            import_module(module)
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _is_heic(head: bytes) -> bool:
    brand = head[8:12]
    return head[4:8] == b"ftyp" and (
        brand[:3] in (b"hei", b"hev") or (brand in (b"mif1", b"msf1") and b"avif" not in head)
    )


def _opened_heic(name: str, stream: io.BufferedIOBase) -> Image.Image:
    """Without registering pillow-heif, which would open other formats as well."""
    require_heic(name)
    from pillow_heif.as_plugin import HeifImageFile

    return HeifImageFile(stream)


def require_heic(name: str) -> None:
    """Refuse HEIC where it cannot be read.

    Raises:
        MissingExtra: pillow-heif is not installed.
    """
    if not reads_heic():
        raise MissingExtra(f"{name}: reading HEIC needs pillow-heif: pip install 'theta0[heic]'")


def reads_heic() -> bool:
    """Whether HEIC can be read."""
    return find_spec("pillow_heif") is not None


def _frames(image: Image.Image) -> int:
    """Number of frames or pages; those of a TIFF are counted up to 1000."""
    if image.format != "TIFF":
        return getattr(image, "n_frames", 1)
    count = 1
    try:
        for count in range(1, 1001):
            image.seek(count)
    except Exception:  # there is no such page, or it is damaged: the first may be whole
        pass
    image.seek(0)
    return count


def _leave_as_stored(image: Image.Image) -> None:
    """Keep Pillow from turning a TIFF when it decodes it, as it does for no other format."""
    stored: Any = image
    stored._size = getattr(stored, "_tile_size", stored._size)
    stored.load_end = lambda: None


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 if there is none, or it cannot be read."""
    try:
        # Not that of the class: for PNG it decodes the picture to look for late metadata.
        value = Image.Image.getexif(image).get(_ORIENTATION, 1)
    except Exception:  # of damaged metadata; the pixels are whole
        return 1
    return value if value in _TURNS else 1


def _check_pixels(name: str, image: Image.Image, size: int) -> None:
    """Check the size in the header, before anything is decoded."""
    count = image.width * image.height
    if count > MAX_PIXELS:
        raise _too_large(name, f"{image.width} x {image.height}")
    if count < 2:
        raise InputError(f"{name}: has {count} pixels; a picture needs at least 2: remove it")
    # A block of 8 x 8 pixels takes a bit at least; Pillow makes those grey that are not there.
    if image.format in ("JPEG", "MPO") and 512 * size < count:
        raise InputError(f"{name}: is damaged: {size} bytes cannot hold {count} pixels")


def _too_large(name: str, found: str) -> InputError:
    return InputError(
        f"{name}: has {found} pixels, more than the limit of {MAX_PIXELS}; make it smaller first"
    )


def _bytes_per_pixel(image: Image.Image, turned: bool) -> int:
    """Memory to decode a picture, turn it and convert it to RGB, or to grey floats."""
    stored = next((size for mode, size in _STORED_BYTES.items() if image.mode.startswith(mode)), 4)
    plain = image.mode in ("1", "L", "P", "RGB", "CMYK", "YCbCr", "LAB")
    converted = 8 if plain and not image.has_transparency_data else 12
    return stored * (1 + turned) + converted + _DECODER_BYTES.get(image.format or "", 0)
