"""A learned initialization, ready to be fitted to signals."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import optax

from theta0.errors import InputError, require_seed, trusting
from theta0.evaluation import Candidate, Init, rule_in_words
from theta0.fields import count_weights
from theta0.inits import Initialization, find
from theta0.inner import InnerConfig, Objective, Rule, RuleConfig, UpdateRule
from theta0.reconstruct import fit_signal, note_if_unlike, suited
from theta0.signals import Signal

from ._checks import check_count, check_share, check_stop, check_whole
from ._fitted import Fitted
from ._messages import in_python


class LearnedInitialization(Initialization):
    """A learned field and update rule, and what they are for; see :func:`load`.

    ``init.description`` says which signals, forward map and inner loop it was learned for, and
    where it comes from. ``init.save(path)`` writes one ``.safetensors`` file.
    """

    @in_python()
    def fit(
        self,
        signal: Any,
        *,
        views: int | None = None,
        steps: int = 50,
        rule: Rule | str | None = None,
        batch: int | None = None,
        objective: Objective | None = None,
        flip: bool | None = None,
        keep: float | int = 1.0,
        mask: Any = None,
        samples: int | None = None,
        validation_fraction: float | None = None,
        seconds: float | int | None = None,
        fit_size: int | Literal["own"] | None = None,
        index: int = 0,
        trust: bool = False,
        seed: int = 0,
        on_progress: Callable[[int, float], None] | None = None,
    ) -> Fitted:
        """Fit one signal from this initialization.

        Args:
            signal: a picture (height, width, 3) or slice (height, width) of floats in [0, 1] or
                uint8, a PIL image, a :func:`theta0.Sinogram`, :func:`theta0.Views`, or the path of
                what ``theta0 fit`` takes. The centred square of a picture is fitted and judged, at
                the size that the initialization was learned for.
            views: views of a slice, or of an object, that are fitted; a single view of an object
                is fitted as it is, and judged by its loss.
            steps: inner steps.
            rule: an update rule: its settings (``theta0.Adam(1e-3)``), a value, any optax
                transformation, or its name (``"adam"``, ``"adam:1e-3"``, or ``"learned+adam:1e-4"``
                for the learned steps, then Adam); the rule this initialization was learned for when
                left out.
            batch: observations per step; as learned when left out.
            objective: terms beside the mean squared error, such as ``theta0.Objective(tv=1e-3)``.
            flip: flip test-time augmentation; as learned when left out.
            keep: random fraction of the pixels that is fitted.
            mask: which pixels of a picture are fitted: a file, white where they are, or an array
                (height, width), 1 or True where they are.
            samples: samples per ray.
            validation_fraction: of the observations, which says at which step to stop.
            seconds: stop after this much time.
            fit_size: pixels per side at which a picture is fitted, or ``"own"`` for those it has;
                the size that the initialization was learned for when left out. The finest level of
                a feature grid gets as many samples.
            index: which slice of a file that holds several.
            trust: take the values as they are where checks find them implausible.
            seed: of batches, samples and kept pixels.
            on_progress: called with (steps done, loss).

        Raises:
            InputError: says what is wrong with what was given.
            DivergedError: the fit became non-finite.
        """
        sized = self._sized(fit_size, signal)
        description, inner = sized.description, sized.description.inner
        check_count(steps=steps, views=views, samples=samples, batch=batch)
        check_whole(index=index, seed=seed)
        require_seed(seed)
        check_stop(seconds, validation_fraction)
        terms = inner.objective if objective is None else objective
        if not isinstance(terms, Objective):
            raise InputError(f"objective is {terms!r}; give such as theta0.Objective(tv=1e-3)")
        loop = InnerConfig(
            steps=steps,
            batch=inner.batch if batch is None else batch,
            objective=replace(terms, tv_side=terms.tv_side or description.data.size),
            flip=inner.flip if flip is None else flip,
        ).build()
        candidate = sized._candidate(rule)
        with trusting(trust):
            given = _signal(description.data, signal, views, index)
        if mask is not None or keep != 1.0:
            check_share("keep", keep)
            given = given.observe_part(mask, keep, seed)
        forward = description.forward.with_samples(samples)
        given = suited(given, replace(description, forward=forward))
        init = Init.learned(sized.learned, inner)
        done = fit_signal(
            description.name, init, candidate, loop, forward, given, seed, seconds,
            on_progress, validation_fraction,
        )  # fmt: skip
        note_if_unlike(done, description, loop)
        seen = replace(sized, description=replace(description, forward=forward))
        return Fitted(done, seen, given, loop)

    def _sized(self, fit_size: int | Literal["own"] | None, signal: Any) -> "LearnedInitialization":
        """Itself, at another size."""
        if fit_size is None:
            return self
        if fit_size == "own":
            return self.at_size(self.description.data.own_size(signal))
        check_count(fit_size=fit_size)
        return self.at_size(fit_size)

    def _candidate(self, rule: Rule | str | None) -> Candidate:
        if rule is None or isinstance(rule, str):
            return rule_in_words(self, rule)
        if not isinstance(rule, UpdateRule | RuleConfig | optax.GradientTransformation):
            raise InputError(
                f"rule is {rule!r}; give settings such as theta0.Adam(1e-3), words such as "
                '"adam:1e-3", or an optax transformation'
            )
        return Candidate(rule)

    def __repr__(self) -> str:
        told, facts = self.description, self.description.provenance
        psnr = facts.get("validation_psnr")
        judged = "" if psnr is None else f", validation_psnr={psnr:.2f}"
        return (
            f"LearnedInitialization({told.name!r}, {type(told.field).__name__} of "
            f"{count_weights(self.field):,} weights, for {told.data.noun} of size "
            f"{told.data.size}, {told.inner.steps} steps{judged})"
        )


def _signal(data: Any, signal: Any, views: int | None, index: int) -> Signal:
    if isinstance(signal, str | Path):
        return data.read(signal, views, index)
    if index:
        raise InputError("index is of a file that holds several slices; give one slice")
    return data.take(signal, views)


@in_python()
def load(name: str | Path) -> LearnedInitialization:
    """Load an initialization: shipped ones by name, others by file or run folder.

    Args:
        name: such as ``"faces"`` (``theta0 inits`` lists them), ``"runs/images/cpu"``,
            ``"mine.safetensors"``, or a folder that ``fit.save`` or ``theta0 fit`` wrote.

    Raises:
        InputError: there is none, or the file is damaged, or not by theta0.

    >>> load("faces").description.inner.steps
    2
    """
    found = find(str(name))
    return LearnedInitialization(found.field, found.rule, found.description)
