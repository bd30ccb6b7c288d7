"""Judging initializations: protocol, rules tried, signals, rows."""

from ._candidates import Candidate, Init, Inits
from ._judging import (
    fields_by_step,
    in_threads,
    over_devices,
    quality_by_step,
    quality_of,
    step_to_stop,
)
from ._pictures import pictures_of, shown
from ._protocol import Protocol
from ._rows import Row, Rows, best, best_rows, metric_of, rule_label, statistics
from ._runner import Keep, evaluate
from ._signals import (
    as_far_as_there_are,
    judged_task,
    judged_tasks,
    require_signals,
    tuning_tasks,
)
from ._words import rule_in_words

__all__ = [
    "Candidate",
    "Init",
    "Inits",
    "Keep",
    "Protocol",
    "Row",
    "Rows",
    "as_far_as_there_are",
    "best",
    "best_rows",
    "evaluate",
    "fields_by_step",
    "in_threads",
    "judged_task",
    "judged_tasks",
    "metric_of",
    "over_devices",
    "pictures_of",
    "quality_by_step",
    "quality_of",
    "require_signals",
    "rule_in_words",
    "rule_label",
    "shown",
    "statistics",
    "step_to_stop",
    "tuning_tasks",
]
