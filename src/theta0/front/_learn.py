"""Learning an initialization from arrays or paths."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import optax

from theta0.errors import InputError, require_defined, require_seed
from theta0.evaluation import Protocol
from theta0.fields import NetworkConfig
from theta0.forward import ForwardMap, predicted_shape
from theta0.meta import MAML, MetaGradient, OuterConfig, Progress
from theta0.presets import Experiment, digest, train
from theta0.signals import (
    SHARES,
    ImageConfig,
    Shares,
    SignalConfig,
    Task,
    TaskFamily,
    size_without_enlarging,
)

from ._checks import check_count
from ._init import LearnedInitialization
from ._messages import in_python
from ._seen import record


@in_python()
def learn(
    signals: Any,
    meta: MetaGradient | None = None,
    *,
    kind: SignalConfig | None = None,
    field: NetworkConfig | None = None,
    forward: ForwardMap | None = None,
    steps: int | None = None,
    outer: OuterConfig | None = None,
    optimizer: optax.GradientTransformation | None = None,
    shares: Shares = SHARES,
    views: int | None = None,
    name: str = "own",
    seed: int = 0,
    folder: str | Path | None = None,
    on_step: Callable[[Progress], None] | None = None,
) -> LearnedInitialization:
    """Learn an initialization for a class of signals.

    Args:
        signals: pictures, an array (N, height, width, 3) of floats in [0, 1] or uint8, or a list of
            arrays or PIL images of any size; or what ``kind`` takes: slices (N, height, width),
            a list of :func:`theta0.Views`, a path; or settings that say where they are, such as
            ``theta0.CTConfig(size=64)``; or a :class:`theta0.TaskFamily`.
        meta: the meta-learner with its inner loop: ``theta0.MAML(steps=2, rule=theta0.SGD(1e-2))``,
            ``theta0.MetaSGD(steps=2)``, ``theta0.Reptile(steps=12)``, or one of your own;
            ``MAML()`` when left out.
        kind: what kind of signals they are, and how they become tasks; when left out pictures, at
            128 x 128 pixels, or the side of the smallest array where that is less.
        field: the network; one that suits the signals when left out.
        forward: how the network is measured; as the kind of signals is when left out.
        steps: outer steps, in place of those of ``outer``.
        outer: settings of the outer loop.
        optimizer: any optax transformation for the outer loop, in place of clipped Adam.
        shares: fractions of the signals kept for validation and test, by their numbers alone:
            those for testing are the ones that :func:`theta0.evaluate` judges when it is given the
            same signals. Settings and families are split by themselves.
        views: views of a slice or object that a validation fits.
        name: what the initialization is called.
        seed: of weights, tasks and keys.
        folder: run folder; a checkpoint found there is resumed. Nothing is written when left out.
        on_step: called after every outer step.

    Returns:
        The initialization that was best on validation signals.

    Raises:
        InputError: says what is wrong with what was given.
        DivergedError: meta-training became non-finite.
    """
    _check_parts(meta, field, forward, kind)
    check_count(steps=steps)
    require_seed(seed)
    kind = kind or (signals if isinstance(signals, SignalConfig) else _pictures(signals))
    family = family_of(signals, kind, shares)
    own_field, own_forward = kind.network()
    if field is None and forward is None:
        field = _suited(own_field, own_forward, family.training_tasks(seed, 0, 1))
    outer = outer or OuterConfig()
    outer = outer if steps is None else replace(outer, steps=steps)
    experiment = Experiment(
        preset="own", scale="own", data=kind, field=field or own_field,
        forward=forward or own_forward, meta=meta or MAML(),
        outer=outer, protocol=Protocol(views=views), seed=seed, name=name,
    )  # fmt: skip
    where = None if folder is None else Path(folder)
    # What the settings do not say: arrays and shares, or a family's own tasks.
    described = isinstance(signals, SignalConfig | str | Path)
    told = family.training_tasks(seed, 0, outer.tasks) if signals is family else signals
    given = None if where is None or described else digest(told, shares)
    # Settings and families are split by themselves.
    itself = isinstance(signals, SignalConfig | TaskFamily)
    seen = {} if itself else record(signals, shares)
    found = train(
        experiment, where, True, on_step, family, optimizer=optimizer, given=given, seen=seen
    )
    return LearnedInitialization(found.field, found.rule, found.description)


def _check_parts(meta: Any, field: Any, forward: Any, kind: Any) -> None:
    """Refuse names and classes in place of settings."""
    wanted = {
        "meta": (meta, MetaGradient, "theta0.MAML(steps=2)"),
        "field": (field, NetworkConfig, "theta0.Siren()"),
        "forward": (forward, ForwardMap, "theta0.Points()"),
        "kind": (kind, SignalConfig, "theta0.ImageConfig()"),
    }
    for name, (value, base, such) in wanted.items():
        if value is None:
            continue
        if not isinstance(value, base):
            raise InputError(f"{name} is {value!r}; give settings such as {such}")
        require_defined(value)


def _pictures(signals: Any) -> ImageConfig:
    """Settings of pictures, which are not enlarged where they are arrays or a list of paths."""
    usual = ImageConfig()
    return replace(usual, size=size_without_enlarging(signals, usual.size))


def _suited(field: NetworkConfig, forward: ForwardMap, tasks: Task) -> NetworkConfig:
    """The network with as many channels as the signals have, grey or in colour."""
    support = jax.tree.map(lambda leaf: leaf[0], tasks.support)
    missing = support.y.shape[1] - predicted_shape(forward, field, support.p)[1]
    return field if missing == 0 else replace(field, out_size=field.out_size + missing)  # pyright: ignore[reportArgumentType, reportCallIssue]


def family_of(signals: Any, kind: SignalConfig, shares: Shares) -> TaskFamily:
    """Tasks from what a caller gives: arrays, a path, or a family."""
    if isinstance(signals, TaskFamily):
        family = signals
    elif isinstance(signals, SignalConfig):
        require_defined(signals)
        family = signals.build()
    elif isinstance(signals, str | Path):
        family = kind.with_path(str(signals)).with_shares(shares).build()
    else:
        family = kind.from_arrays(signals, shares)
    require_defined(family)
    return family
