"""Text: words in many fonts, sizes and positions, white on black or black on white.

A picture is laid out and drawn on a sheet of `SHEET` pixels per side, whatever its size; each pixel
is then the mean of the sheet over its square. So a number gives the same picture at every size:
blocks of 2 x 2 pixels at size 2 n average exactly to the pixels at size n.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

from theta0.data._numbered import Numbered
from theta0.data.images._fonts import find_fonts, open_font
from theta0.data.images._procedural import Drawn, drawn
from theta0.data.images._words import WORDS

SHEET = 512
"""Side of the sheet in its own pixels; larger pictures are possible, but not sharper."""

_MOST_WORDS = 8
_EM = (0.09, 0.4)  # smallest and largest em, relative to the side of the picture
_LEADING = 0.16  # smallest em of the first word, so that no picture is almost empty
_MARGIN = round(0.02 * SHEET)  # around the picture
_GAP = round(0.015 * SHEET)  # between two words
_TRIES = 12  # to find a free position for a word


@dataclass(frozen=True)
class Text(Numbered):
    """Pictures of one to eight common English words."""

    fonts: str | None = None
    """folder of .ttf and .otf files, searched with its subfolders; the text fonts in matplotlib's
    wheel if omitted"""

    def read(self, size: int) -> Drawn:
        """The pictures as squares of ``size`` pixels; see `PictureSource`.

        Fonts that are damaged or lack some of the letters A to Z are in ``skipped``.

        Raises:
            InputError: No font can be used, or the size is invalid.
        """
        fonts, skipped = find_fonts(self.fonts)

        def draw(rng: np.random.Generator) -> Float[np.ndarray, "size size 3"]:
            return _picture(_layout(rng, fonts), bool(rng.random() < 0.5), size)

        return drawn(self, "text", size, draw, skipped)


@dataclass(frozen=True)
class _Word:
    """A word on the sheet, in sheet pixels, with its bounding box."""

    text: str
    font: Path
    em: float
    origin: tuple[int, int]
    left: int
    top: int
    width: int
    height: int

    def overlaps(self, other: "_Word") -> bool:
        """Whether the boxes overlap or are closer than `_GAP`."""
        return (
            self.left < other.left + other.width + _GAP
            and other.left < self.left + self.width + _GAP
            and self.top < other.top + other.height + _GAP
            and other.top < self.top + self.height + _GAP
        )


def _layout(rng: np.random.Generator, fonts: tuple[Path, ...]) -> list[_Word]:
    """Draw words, fonts, sizes and positions; a word without a free position is left out."""
    placed: list[_Word] = []
    for _ in range(rng.integers(1, _MOST_WORDS + 1)):
        text = WORDS[rng.integers(len(WORDS))]
        text = (text, text.capitalize(), text.upper())[rng.integers(3)]
        font = fonts[rng.integers(len(fonts))]
        smallest = _EM[0] if placed else _LEADING
        em = SHEET * np.exp(rng.uniform(np.log(smallest), np.log(_EM[1])))
        em, origin, (width, height) = _fitted(text, font, em)
        for _ in range(_TRIES):
            left, top = (
                int(rng.integers(_MARGIN, max(_MARGIN, SHEET - _MARGIN - length) + 1))
                for length in (width, height)
            )
            word = _Word(text, font, em, origin, left, top, width, height)
            if not any(word.overlaps(other) for other in placed):
                placed.append(word)
                break
    return placed


def _fitted(text: str, font: Path, em: float) -> tuple[float, tuple[int, int], tuple[int, int]]:
    """Make a word small enough for the sheet.

    Returns:
        Its em; the start of its baseline, (right, down) from the upper left corner of its box; the
        (width, height) of the box.
    """
    while True:
        box = open_font(font, em).getbbox(text, anchor="ls")
        left, top = math.floor(box[0]), math.floor(box[1])
        width, height = math.ceil(box[2]) - left, math.ceil(box[3]) - top
        excess = max(width, height) / (SHEET - 2 * _MARGIN)
        if excess <= 1 or em <= 1:
            return em, (-left, -top), (width, height)
        em = max(1.0, 0.99 * em / excess)  # below 1, as the sizes of letters are rounded


def _picture(
    words: list[_Word], dark_on_light: bool, size: int
) -> Float[np.ndarray, "size size 3"]:
    ink = np.zeros((size, size), np.float32)
    for word in words:
        rows, row_shares = _coverage(size, word.top, word.height)
        columns, column_shares = _coverage(size, word.left, word.width)
        ink[rows, columns] += row_shares @ _mask(word) @ column_shares.T
    np.clip(ink, 0, 1, out=ink)  # sums of float32 shares may exceed 1 by rounding
    return np.repeat((1 - ink if dark_on_light else ink)[..., None], 3, axis=-1)


def _mask(word: _Word) -> Float[np.ndarray, "height width"]:
    """The letters of a word in its box, float32 in [0, 1]."""
    image = Image.new("L", (word.width, word.height))
    font = open_font(word.font, word.em)
    ImageDraw.Draw(image).text(word.origin, word.text, 255, font, anchor="ls")
    return np.asarray(image, np.float32) / np.float32(255)


def _coverage(size: int, start: int, count: int) -> tuple[slice, Float[np.ndarray, "pixels count"]]:
    """On one axis: the pixels of a picture that ``count`` sheet pixels touch, and how much of each.

    Returns:
        The range of pixels, and the fraction of each that each sheet pixel covers.
    """
    first = start * size // SHEET
    last = min(size, -(-(start + count) * size // SHEET))
    # In units of 1 / (size SHEET) of the side, all borders are integers.
    pixel = np.arange(first, last)[:, None] * SHEET
    sheet = np.arange(start, start + count) * size
    overlap = np.minimum(pixel + SHEET, sheet + size) - np.maximum(pixel, sheet)
    return slice(first, last), np.maximum(overlap, 0).astype(np.float32) / np.float32(SHEET)
