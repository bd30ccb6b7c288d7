"""Image regression: PSNR by initialization and class, steps to match, and training time."""

from collections.abc import Sequence

from . import series
from .tables import Table, steps_table


def match_table(rows: Sequence[series.Row]) -> Table:
    """Table 1: PSNR from every initialization after the inner loop, and its steps to match Meta.

    Args:
        rows: Results with ``test_class`` and ``protocol``; those of protocol psnr have ``match``,
            those of protocol match say on how many signals steps were counted.
    """
    main = [row for row in rows if row["protocol"] == "psnr"]
    few = [row for row in rows if row["protocol"] == "match"]
    classes = list(dict.fromkeys(row["test_class"] for row in main))
    main.sort(key=lambda row: (classes.index(row["test_class"]), *series.order(row)))
    steps = series.numbers(main, "steps")
    psnr = f"PSNR after {steps} steps"
    return Table(
        title=f"PSNR in dB after {steps} steps, and steps to match the learned initialization",
        columns=("class", "init", "rule", "lr", psnr, "std", "steps to match"),
        rows=[
            (
                row["test_class"], row["init"], row["rule"], series.step_size(row),
                row["psnr_mean"], row["psnr_std"], row["match"],
            )
            for row in main
        ],
        notes=(
            f"Mean and standard deviation over {series.numbers(main, 'n')} test signals; lr: step "
            "size chosen on validation signals.",
            "Steps to match: the first of the numbers of steps tried at which the mean PSNR over "
            f"the first {series.numbers(few, 'n')} test signals reaches that of the learned "
            f"initialization after {steps} steps with its best update rule; the step size is "
            "chosen on validation signals for each number of steps. > N: not reached within N "
            "steps. The search ends at its limit, or at a quarter of it if less than a quarter of "
            "the gap is closed by then.",
        ),
        higher=(psnr,),
        within="class",
    )  # fmt: skip


def transfer_table(rows: Sequence[series.Row]) -> Table:
    """Table 2: PSNR from the initialization of every class on every class.

    Args:
        rows: Results with ``train_class`` (None: Standard) and ``test_class``.
    """
    tested = list(dict.fromkeys(row["test_class"] for row in rows))
    cells = {(row["train_class"], row["rule"], row["test_class"]): row["psnr_mean"] for row in rows}
    rules = sorted({row["rule"] for row in rows}, key=lambda rule: series.rank(rule, series.RULES))
    lines = [
        (train, rule)
        for train in [*tested, None]
        for rule in rules
        if any((train, rule, test) in cells for test in tested)
    ]
    return Table(
        title=f"PSNR in dB after {series.numbers(rows, 'steps')} steps, by training class",
        columns=("trained on", "rule", *tested),
        rows=[
            (
                "nothing (standard)" if train is None else train,
                rule,
                *(cells.get((train, rule, test)) for test in tested),
            )
            for train, rule in lines
        ],
        notes=(
            f"Mean over {series.numbers(rows, 'n')} test signals of the class named above each "
            "column; every step size is chosen on validation signals of that class.",
        ),
        higher=tested,
    )


def classes_table(rows: Sequence[series.Row]) -> Table:
    """PSNR after several numbers of steps, for each test class."""
    by_class: dict[str, list[series.Row]] = {}
    for row in rows:
        by_class.setdefault(row["test_class"], []).append(row)
    tables = {name: steps_table(group) for name, group in by_class.items()}
    first, *others = tables.values()
    steps = list(dict.fromkeys(step for table in tables.values() for step in table.higher))
    return Table(
        title=first.title,
        columns=("class", *first.columns),
        rows=[(name, *line) for name, table in tables.items() for line in table.rows],
        notes=list(dict.fromkeys(note for table in (first, *others) for note in table.notes)),
        higher=steps,
        within="class",
    )


MINUTES = (1, 2, 5, 10, 20, 30, 45, 60, 90, 120, 180)


def minutes_table(rows: Sequence[series.Row]) -> Table:
    """Best PSNR on validation signals that each run had reached after some minutes of training.

    Args:
        rows: One for each validation: ``train_class``, ``meta``, ``seconds``, ``best`` (dB, so
            far).
    """
    last = max(row["seconds"] for row in rows) / 60
    minutes = [minute for minute in MINUTES if minute < last] or list(MINUTES[:1])
    runs: dict[tuple[str, str], list[series.Row]] = {}
    for row in rows:
        runs.setdefault((row["train_class"], row["meta"]), []).append(row)
    return Table(
        title="Best PSNR in dB on validation signals by minutes of meta-training",
        columns=("class", "meta-learner", "inner steps", *map(str, minutes), "end", "total min"),
        rows=[
            (
                *name,
                run[-1]["steps"],
                *(_reached(run, minute) for minute in minutes),
                run[-1]["best"],
                round(run[-1]["seconds"] / 60),
            )
            for name, run in runs.items()
        ],
        notes=(
            f"Mean over {series.numbers(rows, 'n')} validation signals; the time includes "
            "validation.",
        ),
    )


def _reached(run: Sequence[series.Row], minute: int) -> float | None:
    """Returns the best PSNR of a run after so many minutes, in dB."""
    known = [row["best"] for row in run if row["seconds"] <= 60 * minute]
    return known[-1] if known else None
