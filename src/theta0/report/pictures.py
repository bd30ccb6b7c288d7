"""Grids of pictures with unaltered pixels: no smoothing, no colour map."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

if TYPE_CHECKING:
    from PIL import Image, ImageFont

# Height, width and optional channels, unnamed because pictures of one grid may differ in them.
Picture = Float[np.ndarray, "_ _ ..."]

# Greatest side of a cell in pixels, tried in turn until the file is small enough.
_SIDES = (256, 192, 160, 128, 112, 96, 80, 64)
_GAP = 6
_FONT_SIZE = 14
_LINE = 18
_INK = (32, 33, 36)
_FRAME = (218, 220, 224)
_LONGEST_LABEL = 40


def picture_grid(
    images: Sequence[Sequence[Picture | None]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    captions: Sequence[Sequence[str | None]] | None = None,
    max_bytes: int = 400_000,
) -> bytes:
    """Draws rows of pictures with labels to the left and above, and captions below each.

    Pictures smaller than half a cell are enlarged by an integer factor without smoothing. If the
    file would be larger than `max_bytes`, all pictures are reduced alike.

    Args:
        images: Rows of pictures, `h w`, `h w 1` or `h w 3`, in [0, 1] (values outside are
            clipped; NaN, as of a diverged fit, is magenta); None leaves a cell empty.
        row_labels: One for each row; if all are empty, no space is reserved.
        column_labels: One for each column.
        captions: A short text for each picture, such as its PSNR, or None.
        max_bytes: Limit on the file size; pictures are reduced to no less than 64 pixels.

    Returns:
        A PNG file.

    Raises:
        ValueError: The numbers of labels, captions and pictures differ, or a picture has another
            shape.
    """
    _check(images, row_labels, column_labels, captions)
    cells = [[None if image is None else to_bytes(image) for image in row] for row in images]
    texts = captions or [[None] * len(column_labels) for _ in row_labels]
    data = b""
    largest = max(max(cell.shape[:2]) for row in cells for cell in row if cell is not None)
    for side in _SIDES:
        if side > 192 and largest <= 192:
            continue  # the largest cells are for pictures that fill them
        data = _png(_draw(cells, row_labels, column_labels, texts, side))
        if len(data) <= max_bytes:
            break
    return data


def strip(images: Sequence[Picture | None], labels: Sequence[str]) -> bytes:
    """Draws a row of pictures with a label above each; see `picture_grid`."""
    return picture_grid([images], [""], labels)


def difference(
    image: Picture, target: Picture, limit: int | float = 0.25
) -> Float[np.ndarray, "height width 3"]:
    """Colours a signed error: too dark is blue, exact is white, too bright is red.

    The scale is fixed, so that the errors of two pictures can be compared.

    Args:
        image: The picture, in [0, 1].
        target: The true picture, of the same shape.
        limit: The error, averaged over channels, at which the colour saturates.

    Returns:
        Colours in [0, 1], for `picture_grid`.

    Raises:
        ValueError: The shapes differ.
    """
    image, target = np.asarray(image, np.float64), np.asarray(target, np.float64)
    if image.shape != target.shape:
        raise ValueError(f"image and target differ in shape: {image.shape} and {target.shape}")
    error = (image - target).reshape(*image.shape[:2], -1).mean(axis=-1)
    share = np.clip(error / limit, -1, 1)[..., None]
    blue, red = np.array([0.02, 0.19, 0.58]), np.array([0.65, 0.0, 0.06])
    return 1 + np.abs(share) * (np.where(share < 0, blue, red) - 1)


def to_bytes(image: Picture) -> UInt8[np.ndarray, "height width 3"]:
    """Converts a picture to 8 bits: [0, 1] to 0 … 255, grey to three channels, NaN to magenta."""
    array = np.asarray(image, np.float64)
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[-1] not in (1, 3) or array.size == 0:
        raise ValueError(f"a picture is (h w), (h w 1) or (h w 3); got {np.shape(image)}")
    array = np.broadcast_to(array, (*array.shape[:2], 3))
    lost = np.isnan(array).any(axis=-1, keepdims=True)
    array = np.where(lost, np.array([1.0, 0.0, 1.0]), array)
    return np.rint(255 * np.clip(array, 0, 1)).astype(np.uint8)


def _check(images, row_labels, column_labels, captions) -> None:
    """Checks that pictures, labels and captions match in number."""
    for name, grid in (("images", images), ("captions", captions)):
        if grid is None:
            continue
        shape = [len(row) for row in grid]
        if shape != [len(column_labels)] * len(row_labels):
            raise ValueError(
                f"{name} has rows of {shape} for {len(row_labels)} row labels "
                f"and {len(column_labels)} column labels"
            )
    if all(image is None for row in images for image in row):
        raise ValueError("images contains no picture")


@dataclass(frozen=True)
class _Layout:
    """Positions and sizes in pixels of the sheet."""

    xs: list[int]  # left edge of each column
    ys: list[int]  # upper edge of each row
    widths: list[int]
    heights: list[int]
    left: int  # right edge of the row labels
    size: tuple[int, int]


def _layout(pictures, row_labels, column_labels, captions) -> _Layout:
    """Makes each column as wide as its widest picture or text, so that no labels overlap."""
    font = _font()

    def width(text: str | None) -> int:
        return int(np.ceil(font.getlength(_short(text or ""))))

    rows, columns = range(len(row_labels)), range(len(column_labels))
    widths = [
        max(
            width(column_labels[j]),
            *(width(row[j]) for row in captions),
            *(row[j].width for row in pictures if row[j]),
        )
        for j in columns
    ]
    heights = [max([picture.height for picture in row if picture] or [0]) for row in pictures]
    below = _LINE if any(text for row in captions for text in row) else 0
    above = _LINE + _GAP // 2 if any(column_labels) else 0
    left = max(map(width, row_labels)) + _GAP if any(row_labels) else 0
    xs = [_GAP + left + sum(widths[:j]) + 2 * _GAP * j for j in columns]
    ys = [_GAP + above + sum(heights[:i]) + (_GAP + below) * i for i in rows]
    size = (xs[-1] + widths[-1] + _GAP, ys[-1] + heights[-1] + below + _GAP)
    return _Layout(xs, ys, widths, heights, left, size)


def _draw(cells, row_labels, column_labels, captions, side: int) -> "Image.Image":
    """Draws the grid with cells of at most `side` pixels."""
    from PIL import Image, ImageDraw

    pictures = [[None if cell is None else _resize(cell, side) for cell in row] for row in cells]
    at = _layout(pictures, row_labels, column_labels, captions)
    sheet = Image.new("RGB", at.size, "white")
    draw, font = ImageDraw.Draw(sheet), _font()

    def write(x: int | float, y: int | float, text: str | None, anchor: str) -> None:
        draw.text((x, y), _short(text or ""), font=font, fill=_INK, anchor=anchor)

    middles = [x + width / 2 for x, width in zip(at.xs, at.widths, strict=True)]
    for middle, label in zip(middles, column_labels, strict=True):
        write(middle, _GAP + _LINE / 2, label, "mm")
    for i, row in enumerate(pictures):
        bottom = at.ys[i] + at.heights[i]
        write(at.left, at.ys[i] + at.heights[i] / 2, row_labels[i], "rm")
        for j, picture in enumerate(row):
            write(middles[j], bottom + _LINE / 2 + 1, captions[i][j], "mm")
            if picture is None:
                continue
            x = at.xs[j] + (at.widths[j] - picture.width) // 2
            y = at.ys[i] + (at.heights[i] - picture.height) // 2
            # A frame around the pixels separates a white background from the page.
            box = (x - 1, y - 1, x + picture.width, y + picture.height)
            draw.rectangle(box, outline=_FRAME)
            sheet.paste(picture, (x, y))
    return sheet


def _resize(cell: np.ndarray, side: int) -> "Image.Image":
    """Resizes to at most `side` pixels: by an integer factor (nearest), or by area averages."""
    from PIL import Image

    image = Image.fromarray(cell)
    longest = max(image.size)
    if longest <= side:
        factor = side // longest
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    size = (max(1, image.width * side // longest), max(1, image.height * side // longest))
    return image.resize(size, Image.Resampling.BOX)


def _png(sheet: "Image.Image") -> bytes:
    """Encodes a sheet, with a single channel if it is grey."""
    array = np.asarray(sheet)
    grey = bool((array == array[..., :1]).all())
    out = io.BytesIO()
    (sheet.convert("L") if grey else sheet).save(out, "PNG", optimize=True)
    return out.getvalue()


def _short(text: str) -> str:
    """Returns a label as one line of bounded length."""
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"


@cache
def _font() -> "ImageFont.FreeTypeFont":
    """Loads DejaVu Sans, which comes with matplotlib and has Greek and mathematical symbols."""
    import matplotlib
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), _FONT_SIZE)
