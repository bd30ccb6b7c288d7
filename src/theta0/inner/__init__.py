"""The inner loop: its objective, its update rules, and test-time fitting."""

from ._adam import Adam
from ._curvature import LearnedCurvature, MetaCurvature
from ._fit import Fit, fit
from ._guarded import Guarded, GuardedRule
from ._loop import (
    UNROLLED_STEPS,
    InnerConfig,
    InnerLoop,
    State,
    adapt,
    adapt_through,
    begin,
    check_batch,
    moved_by_rule,
    step,
)
from ._loss import Linearized, linearized, loss_and_gradient
from ._objective import BoundObjective, Objective
from ._rule import (
    Descent,
    DescentConfig,
    FirstOrder,
    Rule,
    RuleConfig,
    UpdateRule,
    as_rule,
    settings_of,
    transformed,
)
from ._sgd import SGD
from ._step_sizes import Granularity, LearnedSteps, StepSizes
from ._then import Sequence, Then, then
from ._total_variation import TotalVariation

__all__ = [
    "SGD",
    "UNROLLED_STEPS",
    "Adam",
    "BoundObjective",
    "Descent",
    "DescentConfig",
    "FirstOrder",
    "Fit",
    "Granularity",
    "Guarded",
    "GuardedRule",
    "InnerConfig",
    "InnerLoop",
    "LearnedCurvature",
    "LearnedSteps",
    "Linearized",
    "MetaCurvature",
    "Objective",
    "Rule",
    "RuleConfig",
    "Sequence",
    "State",
    "StepSizes",
    "Then",
    "TotalVariation",
    "UpdateRule",
    "adapt",
    "adapt_through",
    "as_rule",
    "begin",
    "check_batch",
    "fit",
    "linearized",
    "loss_and_gradient",
    "moved_by_rule",
    "settings_of",
    "step",
    "then",
    "transformed",
]
