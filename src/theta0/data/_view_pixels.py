"""Pixels of views: header checks, downscaling, and compositing over a background."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image

from theta0.data._pillow import opened
from theta0.errors import InputError

Background = Literal["white", "black"]


@dataclass(frozen=True)
class Header:
    """The header of a picture file."""

    width: int
    height: int
    alpha: bool


def read_header(path: Path) -> Header:
    """The size of a picture, and whether it has an alpha channel.

    Raises:
        InputError: The picture is missing, has too many pixels or more than 8 bits.
    """
    with opened(path) as image:
        if image.mode.startswith("I") or image.mode == "F":
            raise InputError(f"{path}: has {image.mode} pixels; save it as 8-bit RGB or RGBA")
        return Header(image.width, image.height, image.has_transparency_data)


def read_pixels(path: Path, alpha: bool) -> UInt8[np.ndarray, "height width channels"]:
    """A picture as RGBA or RGB, as stored: the EXIF orientation is ignored."""
    with opened(path) as image:
        return np.asarray(image.convert("RGBA" if alpha else "RGB"))


def downscaled(
    pixels: UInt8[np.ndarray, "height width channels"], factor: int
) -> UInt8[np.ndarray, "low narrow channels"]:
    """Average over blocks of pixels; incomplete blocks are cropped.

    Colours are weighted by alpha.
    """
    if factor == 1:
        return pixels
    height, width, channels = pixels.shape
    low, narrow = height // factor, width // factor
    pixels = pixels[: low * factor, : narrow * factor]
    if channels == 3:
        return np.asarray(Image.fromarray(pixels).reduce(factor))
    blocks = pixels.astype(np.float32).reshape(low, factor, narrow, factor, channels)
    colour, alpha = blocks[..., :3], blocks[..., 3:]
    total = alpha.sum(axis=(1, 3))
    mean = (colour * alpha).sum(axis=(1, 3)) / np.maximum(total, 1)
    return np.rint(np.concatenate([mean, total / factor**2], axis=-1)).astype(np.uint8)


def unit(images: Shaped[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Pixels in [0, 1]: bytes are scaled, floats are returned unchanged."""
    return images.astype(np.float32) / np.float32(255) if images.dtype == np.uint8 else images


def over(
    images: Shaped[np.ndarray, "*views height width channels"], background: Background
) -> Float[np.ndarray, "*views height width 3"]:
    """Composite over a background colour; float32 in [0, 1]."""
    images = unit(images)
    colour = images[..., :3].astype(np.float32)
    if images.shape[-1] == 3:
        return colour
    alpha = images[..., 3:].astype(np.float32)
    return colour * alpha + (1 - alpha) * np.float32(background == "white")
