"""Pixels of views: header checks, downscaling, and compositing over a background."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Shaped, UInt8
from PIL import Image

from theta0.data._pillow import opened
from theta0.data._tiff import require_unsigned
from theta0.errors import InputError

Background = Literal["white", "black"]


@dataclass(frozen=True)
class Header:
    """The header of a picture file.

    Attributes:
        width: In pixels.
        height: In pixels.
        alpha: It has an alpha channel.
        remarks: What of the file is not used.
    """

    width: int
    height: int
    alpha: bool
    remarks: tuple[str, ...] = field(default=(), compare=False)


def read_header(path: Path, upright: bool = False) -> Header:
    """The size of a picture, and whether it has an alpha channel.

    Args:
        path: The file.
        upright: Of the picture turned as its file says, not as it is stored.

    Raises:
        InputError: The picture is missing, has too many pixels or more than 8 bits.
    """
    with opened(path, header_only=True) as picture:
        image = picture.image
        require_unsigned(str(path), image)
        if image.mode.startswith("I") or image.mode == "F":
            raise InputError(f"{path}: has {image.mode} pixels; save it as 8-bit RGB or RGBA")
        width, height = picture.upright_size if upright else image.size
        remarks = picture.remarks
        if picture.turned and not upright:
            remarks += ("is turned as its file says (HEIC); its pose must be that of the result",)
        return Header(width, height, image.has_transparency_data, remarks)


def read_pixels(
    path: Path, alpha: bool, upright: bool = False
) -> UInt8[np.ndarray, "height width channels"]:
    """A picture as RGBA or RGB.

    Args:
        path: The file.
        alpha: Give RGBA.
        upright: Turn the picture as its file says. Posed pictures are not turned, as poses are of
            the stored pixels.
    """
    with opened(path) as picture:
        image = picture.upright() if upright else picture.image
        return np.asarray(image.convert("RGBA" if alpha else "RGB"))


def read_hidden(path: Path) -> Bool[np.ndarray, "height width"]:
    """A mask, as stored: True where it is black, below half brightness.

    Masks whose values are 0 and 1 are black where they are 0.

    Raises:
        InputError: It cannot be read, or is transparent.
    """
    with opened(path) as picture:
        image = picture.image
        if image.has_transparency_data and image.convert("RGBA").getchannel(3).getextrema() != (
            255,
            255,
        ):
            raise InputError(f"{path}: is transparent; give a mask in black and white, without")
        values = np.asarray(image.convert("L"))
    return values < (1 if values.max() == 1 else 128)


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
    found = np.empty((low, narrow, channels), np.uint8)
    for row in range(low):  # not all at once: floats take several times the memory of bytes
        block = pixels[row * factor : (row + 1) * factor].astype(np.float32)
        block = block.reshape(factor, narrow, factor, channels)
        colour, alpha = block[..., :3], block[..., 3:]
        total = alpha.sum(axis=(0, 2))
        mean = (colour * alpha).sum(axis=(0, 2)) / np.maximum(total, 1)
        found[row] = np.rint(np.concatenate([mean, total / factor**2], axis=-1))
    return found


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
