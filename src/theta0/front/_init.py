"""A learned initialization, ready to be fitted to signals."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from theta0.config import from_words
from theta0.errors import InputError
from theta0.evaluation import Candidate, Init
from theta0.fields import weights
from theta0.forward import check_shapes
from theta0.inits import Initialization, find
from theta0.inner import InnerLoop, Objective, Rule
from theta0.reconstruct import fit_signal
from theta0.registry import RULES
from theta0.signals import Signal

from ._fitted import Fitted


class LearnedInitialization(Initialization):
    """A learned field and update rule, and what they are for; see :func:`load`.

    ``init.description`` says which signals, forward map and inner loop it was learned for, and
    where it comes from. ``init.save(path)`` writes one ``.safetensors`` file.
    """

    def fit(
        self,
        signal: Any,
        *,
        views: int | None = None,
        steps: int = 50,
        rule: Rule | str | None = None,
        batch: int | None = None,
        objective: Objective | None = None,
        flip: bool = False,
        keep: float | int = 1.0,
        mask: str | Path | None = None,
        samples: int | None = None,
        validation_fraction: float | None = None,
        seconds: float | int | None = None,
        index: int = 0,
        seed: int = 0,
        on_progress: Callable[[int, float], None] | None = None,
    ) -> Fitted:
        """Fit one signal from this initialization.

        Args:
            signal: a picture (height, width, 3) or slice (height, width) of floats in [0, 1] or
                uint8, a PIL image, a :func:`theta0.Sinogram`, :func:`theta0.Views`, or the path of
                what ``theta0 fit`` takes.
            views: views of a slice, or of an object, that are fitted.
            steps: inner steps.
            rule: an update rule: its settings (``theta0.Adam(1e-3)``), a value, any optax
                transformation, or its name (``"adam"``, ``"adam:1e-3"``); the rule this
                initialization was learned for when left out.
            batch: observations per step; as learned when left out.
            objective: terms beside the mean squared error, such as ``theta0.Objective(tv=1e-3)``.
            flip: flip test-time augmentation.
            keep: random fraction of the pixels that is fitted.
            mask: picture whose white pixels are fitted, of a picture given as a path.
            samples: samples per ray.
            validation_fraction: of the observations, which says at which step to stop.
            seconds: stop after this much time.
            index: which slice of a file that holds several.
            seed: of batches, samples and kept pixels.
            on_progress: called with (steps done, loss).

        Raises:
            InputError: says in your words what is wrong with what was given.
            DivergedError: the fit became non-finite.
        """
        description = self.description
        given = _signal(description.data, signal, views, index)
        if mask is not None or keep != 1.0:
            given = given.observe_part(None if mask is None else Path(mask), keep, seed)
        forward = description.forward.with_samples(samples)
        check_shapes(forward, description.field, given.task.support.p, given.task.support.y)
        inner = description.inner
        terms = objective or inner.objective
        loop = InnerLoop(
            steps,
            inner.batch if batch is None else batch,
            replace(terms, tv_side=terms.tv_side or description.data.size),
            flip or inner.flip,
        )
        init = Init.learned(self.learned, inner)
        done = fit_signal(
            description.name, init, self._candidate(rule), loop, forward, given, seed, seconds,
            on_progress, validation_fraction,
        )  # fmt: skip
        seen = replace(self, description=replace(description, forward=forward))
        return Fitted(done, seen, given, loop)

    def _candidate(self, rule: Rule | str | None) -> Candidate:
        if rule is not None:
            return Candidate(from_words(rule, RULES) if isinstance(rule, str) else rule)
        own = self.description.inner.rule
        return Candidate(None if weights(self.rule) else own)


def _signal(data: Any, signal: Any, views: int | None, index: int) -> Signal:
    if isinstance(signal, str | Path):
        return data.read(signal, views, index)
    if index:
        raise InputError("index is of a file that holds several slices; give one slice")
    return data.take(signal, views)


def load(name: str | Path) -> LearnedInitialization:
    """Load an initialization: shipped ones by name, others by file or run folder.

    Args:
        name: such as ``"faces"`` (``theta0 inits`` lists them), ``"runs/images/cpu"`` or
            ``"mine.safetensors"``.

    Raises:
        InputError: there is none, or the file is damaged, or not by theta0.

    >>> load("faces").description.inner.steps
    2
    """
    found = find(str(name))
    return LearnedInitialization(found.field, found.rule, found.description)
