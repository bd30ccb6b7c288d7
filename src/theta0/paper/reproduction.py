"""What a table or figure of the paper is made of: rows, and pictures of several kinds."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from theta0.evaluation import Rows
from theta0.presets import Gallery


@dataclass(frozen=True)
class Reconstructions:
    """One test signal, reconstructed from every initialization and by every classical method."""

    target: Float[np.ndarray, "height width channels"]
    pictures: dict[str, Float[np.ndarray, "height width channels"]]
    """by name"""


@dataclass(frozen=True)
class NovelViews:
    """Views of a test object that were not fitted, or the other half of a photograph."""

    inputs: list[Float[np.ndarray, "_ _ 3"]]
    """views that were fitted"""
    targets: list[Float[np.ndarray, "_ _ 3"]]
    predictions: dict[str, list[Float[np.ndarray, "_ _ 3"]]] = field(default_factory=dict)
    """by initialization, one for each target"""


@dataclass(frozen=True)
class AppearanceTransfer:
    """A scene with the appearance of several photographs, rendered from several camera poses."""

    photographs: list[Float[np.ndarray, "height width 3"]]
    """the photograph taken at each pose, with its own appearance"""
    inputs: list[Float[np.ndarray, "height width 3"]]
    """photographs that were fitted"""
    renderings: list[list[Float[np.ndarray, "height width 3"]]]
    """for each input, its fit rendered from every pose"""


@dataclass(frozen=True)
class Reproduction:
    """What a table or figure is made of."""

    rows: Rows
    """those of `theta0.evaluation`, with ``train_class`` (None: not initialized from a run) and
    ``test_class``; table 1 adds ``protocol`` (psnr or match) and, to its psnr rows, ``match``"""
    galleries: dict[str, Gallery] = field(default_factory=dict)
    """pictures by name"""
    reconstructions: dict[str, Reconstructions] = field(default_factory=dict)
    """by name"""
    novel_views: dict[str, NovelViews] = field(default_factory=dict)
    """by class or scene"""
    appearance_transfers: dict[str, AppearanceTransfer] = field(default_factory=dict)
    """by scene"""
