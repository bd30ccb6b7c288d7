"""Image regression: PSNR by start and class, steps to match the learned start, training time."""

from collections.abc import Sequence

from . import series
from .tables import Table, steps_table


def match_table(rows: Sequence[series.Row]) -> Table:
    """Table 1: PSNR of every start after the inner loop, and its steps to match Meta.

    Args:
        rows: with ``test_class`` and ``protocol``; those of the protocol psnr have ``match``.
    """
    main = [row for row in rows if row["protocol"] == "psnr"]
    few = [row for row in rows if row["protocol"] == "match"]
    classes = list(dict.fromkeys(row["test_class"] for row in main))
    main.sort(key=lambda row: (classes.index(row["test_class"]), *series.order(row)))
    steps = series.numbers(main, "steps")
    psnr = f"PSNR after {steps} steps"
    return Table(
        title=f"PSNR in dB after {steps} steps, and steps to match the learned start",
        columns=("class", "init", "optimizer", "lr", psnr, "deviation", "steps to match"),
        rows=[
            (
                row["test_class"], row["init"], row["optimizer"], f"{row['lr']:g}",
                row["psnr_mean"], row["psnr_std"], row["match"],
            )
            for row in main
        ],
        notes=(
            f"Mean and standard deviation over {series.numbers(main, 'n')} test signals; lr: step "
            "size chosen on validation signals.",
            "Steps to match: the first number of steps tried after which the mean over the first "
            f"{series.numbers(few, 'n')} test signals reaches that of the learned start after "
            f"{steps} steps with its best optimizer, each with the step size that is best on "
            "validation signals for that number of steps; > N: not within N steps, where the "
            "search ended, at its limit or, a quarter of it, with a start not a quarter of the way "
            "there.",
        ),
        higher=(psnr,),
        within="class",
    )  # fmt: skip


def transfer_table(rows: Sequence[series.Row]) -> Table:
    """Table 2: PSNR of every class's start on every class.

    Args:
        rows: with ``train_class`` (None: the usual random start) and ``test_class``.
    """
    tested = list(dict.fromkeys(row["test_class"] for row in rows))
    cells = {
        (row["train_class"], row["optimizer"], row["test_class"]): row["psnr_mean"] for row in rows
    }
    trained = [*tested, None]
    lines = [
        (train, optimizer)
        for train in trained
        for optimizer in series.OPTIMIZERS
        if any((train, optimizer, test) in cells for test in tested)
    ]
    return Table(
        title=f"PSNR in dB after {series.numbers(rows, 'steps')} steps, by the class learned from",
        columns=("learned from", "optimizer", *tested),
        rows=[
            (
                "nothing (standard)" if train is None else train,
                optimizer,
                *(cells.get((train, optimizer, test)) for test in tested),
            )
            for train, optimizer in lines
        ],
        notes=(
            f"Mean over {series.numbers(rows, 'n')} test signals of the class above a column; the "
            "step size of every number is chosen on validation signals of that class.",
        ),
        higher=tested,
    )


def classes_table(rows: Sequence[series.Row]) -> Table:
    """PSNR after a number of steps, for each class the starts were tested on."""
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
    """The best PSNR on validation signals that each run had reached after some minutes.

    Args:
        rows: one a validation: ``train_class``, ``meta``, ``seconds``, ``best`` (dB, so far).
    """
    last = max(row["seconds"] for row in rows) / 60
    minutes = [minute for minute in MINUTES if minute < last] or list(MINUTES[:1])
    runs = list(dict.fromkeys((row["train_class"], row["meta"]) for row in rows))

    def reached(run: tuple[str, str], minute: int) -> float | None:
        known = [row["best"] for row in rows if (row["train_class"], row["meta"]) == run
                 and row["seconds"] <= 60 * minute]  # fmt: skip
        return known[-1] if known else None

    of = lambda run: [row for row in rows if (row["train_class"], row["meta"]) == run]
    names = [str(minute) for minute in minutes]
    return Table(
        title="Best PSNR in dB on validation signals after minutes of learning",
        columns=("class", "meta-learner", "inner steps", *names, "end", "minutes in all"),
        rows=[
            (
                *run,
                of(run)[-1]["steps"],
                *(reached(run, minute) for minute in minutes),
                of(run)[-1]["best"],
                round(of(run)[-1]["seconds"] / 60),
            )
            for run in runs
        ],
        notes=(f"Mean over {series.numbers(rows, 'n')} validation signals, validations included.",),
    )
