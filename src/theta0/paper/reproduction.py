"""What a table or figure of the paper is made of: rows, and pictures of several kinds."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from theta0.evaluate import Rows
from theta0.presets import Gallery


@dataclass(frozen=True)
class Reconstructions:
    """One test signal as every start, and every method without a network, reconstructs it."""

    target: Float[np.ndarray, "height width channels"]
    pictures: dict[str, Float[np.ndarray, "height width channels"]]
    """by name"""


@dataclass(frozen=True)
class Novel:
    """Views of a test object that no fit saw, or the other half of a photograph."""

    inputs: list[Float[np.ndarray, "_ _ 3"]]
    """views that were fitted"""
    targets: list[Float[np.ndarray, "_ _ 3"]]
    predictions: dict[str, list[Float[np.ndarray, "_ _ 3"]]] = field(default_factory=dict)
    """by start, one for each target"""


@dataclass(frozen=True)
class Looks:
    """A place in the light of several photographs, from several standpoints."""

    taken: list[Float[np.ndarray, "height width 3"]]
    """photographs that were taken there, each in a light of its own"""
    inputs: list[Float[np.ndarray, "height width 3"]]
    """photographs that were fitted"""
    views: list[list[Float[np.ndarray, "height width 3"]]]
    """for each of them what its fit shows from every standpoint"""


@dataclass(frozen=True)
class Reproduction:
    """What a table or figure is made of."""

    rows: Rows
    """those of `theta0.evaluate`, with ``train_class`` (None: no run's start) and ``test_class``;
    table 1 adds ``protocol`` (psnr or match) and, to its psnr rows, ``match``"""
    galleries: dict[str, Gallery] = field(default_factory=dict)
    """pictures by name"""
    reconstructions: dict[str, Reconstructions] = field(default_factory=dict)
    """reconstructions by name"""
    novel: dict[str, Novel] = field(default_factory=dict)
    """unseen views of objects by class"""
    looks: dict[str, Looks] = field(default_factory=dict)
    """places by name"""
