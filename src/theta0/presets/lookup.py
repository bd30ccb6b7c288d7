"""Presets by name, and the experiment behind an initialization."""

import difflib
from dataclasses import replace
from pathlib import Path

from theta0.errors import InputError
from theta0.inits import Initialization

from . import ct, images, photos, views
from .experiment import Experiment
from .run import read_experiment

PRESETS: dict[str, dict[str, Experiment]] = {
    **ct.PRESETS,
    **images.PRESETS,
    **views.PRESETS,
    **photos.PRESETS,
}


def preset(name: str, scale: str) -> Experiment:
    """A preset by name and scale.

    Raises:
        InputError: there is none; the message names the nearest.
    """
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, n=2, cutoff=0.3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(PRESETS)}"
        raise InputError(f"unknown preset {name!r}; {hint}")
    if scale not in PRESETS[name]:
        raise InputError(f"unknown scale {scale!r}; choose from {', '.join(PRESETS[name])}")
    return PRESETS[name][scale]


def experiment_of(initialization: Initialization, place: str | Path = "") -> Experiment:
    """The experiment that learned an initialization.

    Args:
        initialization: the start.
        place: where it was found. A run folder says everything. An initialization that has left
            its folder gives data, network and inner loop by its own description; protocol and
            baselines come from the preset it was learned by.
    """
    if (Path(place) / "config.json").is_file():
        return read_experiment(Path(place))
    description = initialization.description
    facts = description.provenance
    scale, seed = str(facts.get("scale")), facts.get("seed")
    base = preset(description.preset, scale if scale in PRESETS["images"] else "cpu")
    same = replace(
        base,
        data=description.data,
        forward=description.forward,
        seed=seed if isinstance(seed, int) else 0,
    )
    return same.with_learned(description.field, description.inner)
