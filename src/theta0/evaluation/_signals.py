"""The signals of a protocol: those that choose settings, and those that are judged."""

from dataclasses import replace

from theta0.errors import InputError
from theta0.signals import SplitName, Task, TaskFamily, all_tasks

from ._protocol import Protocol


def as_far_as_there_are(protocol: Protocol, family: TaskFamily) -> Protocol:
    """The protocol with no more signals than the family has, but at least one of each kind."""
    fewer = lambda wanted, split: max(1, min(wanted, family.size(split)))
    return replace(
        protocol,
        signals=fewer(protocol.signals, _judged_split(protocol)),
        tuning_signals=fewer(protocol.tuning_signals, "validation"),
    )


def require_signals(protocol: Protocol, family: TaskFamily) -> None:
    """Refuse a protocol that asks for more signals than there are, before hours of work.

    Raises:
        InputError: it does.
    """
    _enough(family, "validation", protocol.tuning_signals)
    _enough(family, _judged_split(protocol), protocol.signals)


def tuning_tasks(family: TaskFamily, protocol: Protocol) -> list[Task]:
    """The validation signals that choose settings.

    Raises:
        InputError: there are fewer than are asked for.
    """
    count = _enough(family, "validation", protocol.tuning_signals)
    take = lambda index: family.held_out("validation", index, protocol.views)
    return all_tasks("tuning_signals", count, take)


def judged_tasks(family: TaskFamily, protocol: Protocol) -> list[Task]:
    """The signals that rows are about.

    Raises:
        InputError: there are fewer than are asked for.
    """
    count = _enough(family, _judged_split(protocol), protocol.signals)
    return all_tasks("signals", count, lambda index: judged_task(family, protocol, index))


def judged_task(family: TaskFamily, protocol: Protocol, index: int) -> Task:
    """One of them; training signals, of which neighbours are often alike, are spread evenly."""
    if not protocol.training_signals:
        return family.held_out("test", index, protocol.views)
    spread = index * family.size("train") // protocol.signals
    return family.held_out("train", spread, protocol.views)


def _judged_split(protocol: Protocol) -> SplitName:
    return "train" if protocol.training_signals else "test"


def _enough(family: TaskFamily, split: SplitName, count: int) -> int:
    available = family.size(split)
    if count > available:
        raise InputError(
            f"{count} {split} signals asked for, but there are only {available}; give "
            f"--{'tuning-' if split == 'validation' else ''}signals {available}, "
            f"or keep more of the data for {split}"
        )
    return count
