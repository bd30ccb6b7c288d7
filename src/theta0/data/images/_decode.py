"""Converts opened pictures of any mode to RGB, or to grey of more than 8 bits."""

from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped, UInt8
from PIL import Image

from theta0.data._pillow import Picture, opened
from theta0.data._tiff import full_scale, require_unsigned, white_is_zero
from theta0.errors import InputError


def decode(
    path: str | Path, size: int | None
) -> tuple[Shaped[np.ndarray, "height width *channels"], tuple[str, ...]]:
    """Read an upright picture, or its centred square resized to `size`.

    Returns:
        uint8 RGB (h w 3), or float32 grey (h w) in [0, 1] for files with more than 8 bits; and
        what of the file is not used.
    """
    with opened(path) as picture:
        return as_array(squared(flat(picture), size)), picture.remarks


def flat(picture: Picture) -> Image.Image:
    """Turn a picture upright and convert it to RGB, or to F in [0, 1] beyond 8 bits.

    What is transparent becomes white.

    Raises:
        InputError: Its numbers are not those of a picture.
    """
    require_unsigned(picture.name, picture.image)
    image = picture.upright()
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(_grey(picture, image))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")


def _grey(picture: Picture, image: Image.Image) -> Float[np.ndarray, "height width"]:
    """The numbers of a grey picture of more than 8 bits, as shares of full scale."""
    values = np.asarray(image).astype(np.float32)
    clear = image.info.get("transparency")
    white = None if clear is None else values == clear
    # Pillow opens 16-bit files as I;16 or as I, depending on format and version.
    values /= np.float32(1 if image.mode == "F" else full_scale(picture.image))
    if not (values.min() >= 0 and values.max() <= 1):
        raise InputError(
            f"{picture.name}: has {image.mode} pixels from {values.min():g} to {values.max():g} of "
            "full scale; save it as 8-bit or 16-bit, or as floats in [0, 1]"
        )
    if white_is_zero(picture.image):
        np.subtract(1, values, out=values)
    if white is not None:
        values[white] = 1
    return values


def squared(image: Image.Image, size: int | None) -> Image.Image:
    """Resize the short side to `size` and crop the centre, in one step.

    Cropping first keeps the intermediate result of a very long picture small.
    """
    if size is None:
        return image
    short = min(image.size)
    left, top = (image.width - short) // 2, (image.height - short) // 2
    box = (left, top, left + short, top + short)
    return image.resize((size, size), Image.Resampling.LANCZOS, box=box)


def as_array(image: Image.Image) -> Shaped[np.ndarray, "height width *channels"]:
    """The pixels of an image, floats clipped to [0, 1]."""
    pixels = np.array(image)
    # Lanczos overshoots; for 8 bits Pillow clips.
    return pixels if pixels.dtype == np.uint8 else np.clip(pixels, 0.0, 1.0, out=pixels)


def as_bytes(
    pixels: Shaped[np.ndarray, "height width *channels"],
) -> UInt8[np.ndarray, "height width 3"]:
    """Pixels of `as_array` as RGB."""
    if pixels.dtype == np.uint8:
        return pixels
    return np.repeat(np.rint(pixels * 255).astype(np.uint8)[..., None], 3, axis=2)
