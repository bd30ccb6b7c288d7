"""Augmentation: the same picture mirrored, and seen a little closer."""

import numpy as np
from jaxtyping import Float
from PIL import Image

CLOSEST = 0.85
"""Least part of the side that a crop keeps: mild, so that what is learned stays of the class."""


def augmented(
    picture: Float[np.ndarray, "size size channels"], rng: np.random.Generator
) -> Float[np.ndarray, "size size channels"]:
    """Mirror a picture half of the time, and crop it to 85 to 100 % of its side.

    The crop lies anywhere within the picture, between pixels too, and is resized bilinearly.

    Args:
        picture: float32.
        rng: Four numbers are drawn from it, whatever they are used for.

    Returns:
        float32, within the range of the picture.
    """
    size = len(picture)
    keep, down, across, mirror = rng.random(4)
    side = size * (CLOSEST + (1 - CLOSEST) * keep)
    left, top = across * (size - side), down * (size - side)
    box = (left, top, min(left + side, size), min(top + side, size))
    source = picture[:, ::-1] if mirror < 0.5 else picture
    channels = [
        Image.fromarray(channel).resize((size, size), Image.Resampling.BILINEAR, box=box)
        for channel in np.ascontiguousarray(np.moveaxis(source, -1, 0))
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)
