"""Depths as colours."""

import numpy as np
from jaxtyping import Float


def depth_picture(
    depth: Float[np.ndarray, "height width"],
    opacity: Float[np.ndarray, "height width"],
    nearest: float | int,
    farthest: float | int,
    background: float = 1.0,
) -> Float[np.ndarray, "height width 3"]:
    """Near is bright, far is dark, in the perceptually even colours of viridis.

    Args:
        depth: inf where nothing is.
        opacity: in [0, 1]; the rest is background.
        nearest: depth of the brightest colour.
        farthest: depth of the darkest one; both are the same for all frames of a film.
        background: a grey in [0, 1].
    """
    from matplotlib import colormaps

    share = np.clip((farthest - depth) / (farthest - nearest), 0, 1)
    colours = colormaps["viridis"](share)[..., :3]
    return colours * opacity[..., None] + background * (1 - opacity[..., None])
