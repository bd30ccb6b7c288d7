"""What an update rule is: how the inner loop moves the weights of a field."""

import re
from abc import abstractmethod
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.core import Tracer
from jaxtyping import Array, Float

from theta0.config import from_words, to_words
from theta0.errors import InputError, require_positive
from theta0.fields import Field, Frozen, trained
from theta0.forward import ForwardMap, Observation
from theta0.registry import RULES

from ._objective import BoundObjective


class UpdateRule(eqx.Module):
    """Moves the weights of a field, step by step.

    Every inexact array leaf of a rule is learned with the initialization (step sizes, a
    preconditioner, the weights of an LSTM), unless it is wrapped in
    :class:`theta0.fields.Frozen`. What a rule remembers from step to step of one fit is its state.
    """

    @abstractmethod
    def init(self, field: Field) -> Any:
        """The state before the first step: a pytree of arrays."""

    @abstractmethod
    def step(
        self,
        forward: ForwardMap,
        field: Field,
        observation: Observation,
        state: Any,
        key: Array,
        objective: BoundObjective,
    ) -> tuple[Field, Any, Float[Array, ""]]:
        """One step, which the inner loop may compile, scan over and differentiate.

        Args:
            forward: how the signal is measured.
            field: before the step.
            observation: what was measured, or the batch of it that this step sees.
            state: of the rule.
            key: randomness of the forward map and of the objective.
            objective: what is descended; ``objective.loss_and_gradient`` gives both. A rule that
                needs Jacobian products takes them from :func:`theta0.inner.linearized`.

        Returns:
            The field after the step, the new state, and the loss before the step.
        """


@RULES.base_class
class RuleConfig:
    """Settings of an update rule: a frozen dataclass of plain values.

    A custom rule derives from it and is registered: ``@theta0.register("rule", NAME)``.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @abstractmethod
    def build(self, field: Field) -> "UpdateRule | optax.GradientTransformation":
        """The rule for fields like ``field``, its learned leaves at what they begin with.

        Of a rule of first order an optax transformation is enough; :func:`as_rule` builds either.
        """
        raise NotImplementedError

    def for_steps(self, steps: int) -> "RuleConfig":
        """The same where the inner loop of meta-training takes so many steps."""
        return self

    @property
    def label(self) -> str:
        """What tables and messages call it, its step size included."""
        return to_words(self, RULES)


class FirstOrder(UpdateRule):
    """Descends the gradient by an optax transformation, whose updates are added to the weights."""

    transformation: optax.GradientTransformation = eqx.field(static=True)

    def init(self, field):
        return self.transformation.init(trained(field))

    def step(self, forward, field, observation, state, key, objective):
        loss, gradient = objective.loss_and_gradient(forward, field, observation, key)
        updates, state = self.updates(trained(gradient), state, trained(field), loss)
        return eqx.apply_updates(field, updates), state, loss

    def updates(
        self, gradient: Any, state: Any, params: Any, loss: Float[Array, ""]
    ) -> tuple[Any, Any]:
        """What is added to the weights, and the new state; pytrees like the weights."""
        return transformed(self.transformation, gradient, state, params, loss)


def transformed(
    transformation: optax.GradientTransformation,
    gradient: Any,
    state: Any,
    params: Any,
    loss: Float[Array, ""],
) -> tuple[Any, Any]:
    """Updates and new state of an optax transformation, which may also ask for the loss.

    Raises:
        InputError: it asks for more, such as the loss of other weights for a line search.
    """
    update = optax.with_extra_args_support(transformation).update
    try:
        return update(gradient, state, params, value=loss, grad=gradient)
    except TypeError as error:
        asked = re.search(r"missing .* required .*arguments?: (.*)", str(error))
        if asked is None:
            raise
        raise InputError(
            f"the optax transformation asks for {asked[1]}, as a line search does, but is given "
            "the gradient, the loss and the weights of each step alone; take another, such as "
            "optax.adam(1e-3)"
        ) from error


def scaled(gradient: Any) -> Any:
    """The gradient with that of every weight multiplied as :meth:`Field.step_scales` says."""
    scale = lambda g, by: g if by == 1 else by * g
    return jax.tree.map(scale, gradient, gradient.step_scales())


class Descent(FirstOrder):
    """``theta - lr * direction``, the direction by an optax transformation of the gradient.

    The gradient is that of :func:`scaled`, so that one step size suits all weights.

    The step size is an array, so that one compiled program serves every one; it is not learned.
    """

    lr: Frozen

    def updates(self, gradient, state, params, loss):
        direction, state = self.transformation.update(scaled(gradient), state, params)
        lr = self.lr()
        return jax.tree.map(lambda d: -lr.astype(d.dtype) * d, direction), state


@dataclass(frozen=True)
class DescentConfig(RuleConfig):
    """Settings of a rule with one step size."""

    lr: float = 1e-2
    """step size"""

    def __post_init__(self):
        require_positive(self, "lr")

    @property
    def is_usual(self) -> bool:
        """Whether all its settings besides the step size are those it has when left out."""
        others = (field for field in fields(self) if field.name != "lr")
        return all(getattr(self, field.name) == field.default for field in others)

    @property
    def label(self) -> str:
        """What tables and messages call it, its step size included."""
        if not self.is_usual:
            return to_words(self, RULES)
        return f"{RULES.name_of(type(self))} with step size {self.lr:g}"

    def descent(self, transformation: optax.GradientTransformation) -> Descent:
        """Descent along what ``transformation`` makes of the gradient.

        Give the same object every time: compiled programs are found again by its identity.
        """
        return Descent(transformation, Frozen(jnp.asarray(self.lr)))


Rule = UpdateRule | RuleConfig | optax.GradientTransformation
"""What is taken where a rule is asked for: a rule, its settings, or an optax transformation."""


def as_rule(rule: Rule, field: Field) -> UpdateRule:
    """A rule for fits that begin at ``field``.

    Raises:
        TypeError: it is none.
    """
    if isinstance(rule, UpdateRule):
        return rule
    if isinstance(rule, RuleConfig):
        built = rule.build(field)
        if isinstance(built, optax.GradientTransformation):
            return FirstOrder(_same_again(rule, field, built))
        return as_rule(built, field)
    if isinstance(rule, optax.GradientTransformation):
        return FirstOrder(rule)
    raise TypeError(
        f"{type(rule).__name__} is no update rule; give an UpdateRule, its settings (such as "
        "theta0.SGD(1e-2)), or an optax transformation"
    )


_BUILT: dict[Any, optax.GradientTransformation] = {}


def _same_again(
    rule: RuleConfig, field: Field, built: optax.GradientTransformation
) -> optax.GradientTransformation:
    """What the same settings built before for a field like this one, or what they built now.

    optax makes new functions at each call, and compiled programs are found again by their identity.
    """
    leaves, structure = jax.tree.flatten(trained(field))
    if any(isinstance(leaf, Tracer) for leaf in leaves):
        return built  # arrays that it made are of this trace alone
    try:
        key = rule, structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves)
        return _BUILT.setdefault(key, built)
    except TypeError:  # settings that hold a list cannot be looked up
        return built


def settings_of(rule: Any, name: str) -> RuleConfig:
    """Settings of a rule that are themselves a setting, as they are or in words.

    Args:
        rule: what is given: settings, or words.
        name: of the setting, for messages.

    Raises:
        InputError: it is a value, which cannot be saved, or the words name no rule.
    """
    if isinstance(rule, str):
        return from_words(rule, RULES)
    if isinstance(rule, RuleConfig):
        return rule
    raise InputError(
        f"{name} is of type {type(rule).__name__}, but settings are saved; give settings of a rule "
        "(theta0.Adam(1e-3)) or words ('adam:1e-3'), or register settings whose build returns it: "
        "@theta0.register('rule', NAME)"
    )
