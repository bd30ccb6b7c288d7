"""Depth maps as colours."""

import numpy as np
from jaxtyping import Float


def depth_picture(
    depth: Float[np.ndarray, "height width"],
    opacity: Float[np.ndarray, "height width"],
    nearest: float | int,
    farthest: float | int,
    background: float = 1.0,
) -> Float[np.ndarray, "height width 3"]:
    """Colours a depth map by viridis, which is perceptually uniform: near is bright, far is dark.

    Args:
        depth: In world units; inf where nothing is seen.
        opacity: In [0, 1]; the rest is background.
        nearest: Depth of the brightest colour.
        farthest: Depth of the darkest colour; use the same range for all frames of a video.
        background: A grey in [0, 1].
    """
    from matplotlib import colormaps

    share = np.clip((farthest - depth) / (farthest - nearest), 0, 1)
    colours = colormaps["viridis"](share)[..., :3]
    return colours * opacity[..., None] + background * (1 - opacity[..., None])
