"""Presets by name, and the experiment behind an initialization."""

import difflib
from dataclasses import replace
from pathlib import Path

from theta0.errors import InputError
from theta0.fields import FlipAverage
from theta0.inits import Initialization
from theta0.inner import InnerConfig
from theta0.meta import MAML, MetaGradient, OuterConfig
from theta0.registry import META_LEARNERS

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
        initialization: the initialization.
        place: where it was found. A run folder says everything. An initialization that has left
            its folder gives data, network and inner loop by its own description; protocol and
            baselines come from the preset it was learned by.
    """
    if (Path(place) / "config.json").is_file():
        return read_experiment(Path(place))
    description = initialization.description
    facts, inner, field = description.provenance, description.inner, description.field
    scale, seed = str(facts.get("scale")), facts.get("seed")
    own = {
        "data": description.data,
        "forward": description.forward,
        "field": field.field if isinstance(field, FlipAverage) else field,
        "meta": _meta(facts.get("meta", "maml"), inner),
        "seed": seed if isinstance(seed, int) else 0,
    }
    if description.preset in PRESETS:
        base = preset(description.preset, scale if scale in PRESETS["images"] else "cpu")
        return replace(base, **own)
    return Experiment(preset=description.preset, scale=scale, outer=OuterConfig(), **own)


def _meta(name: str, inner: InnerConfig) -> MetaGradient:
    """The meta-learner of an inner loop; MAML where its own does not take the rule of a fit."""
    learner = META_LEARNERS[name]
    settings = {name: getattr(inner, name) for name in ("steps", "rule", "batch", "objective")}
    try:
        return learner(**settings)
    except InputError:
        return MAML(**settings)
