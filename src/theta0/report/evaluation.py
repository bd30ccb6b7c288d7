"""The report of an evaluation: the table in several formats, curves, pictures and an HTML page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from theta0 import files

from . import series
from .figures import curves, training_curve
from .html import Code, Curves, Facts, Image, Part, Section, page, write
from .pictures import Picture, picture_grid
from .tables import Table, steps_table

_GRID_CAPTION = (
    "The first test signal, fitted from each initialization with the update rule that is best for "
    "it at the last of these numbers of steps. PSNR is given in dB below each picture."
)


def gallery_grid(
    target: Picture,
    steps: Sequence[int],
    pictures: Mapping[str, Sequence[Picture]],
    captions: Mapping[str, Sequence[str]],
) -> bytes:
    """Draws one signal as fitted from every initialization after some steps, the target last.

    Args:
        target: The signal.
        steps: Numbers of steps, one for each column.
        pictures: Predictions by initialization, one for each number of steps.
        captions: Text under each of them.

    Returns:
        A PNG file.
    """
    return picture_grid(
        [[*row, target] for row in pictures.values()],
        list(pictures),
        [*(f"{step} step{'' if step == 1 else 's'}" for step in steps), "target"],
        captions=[[*captions[name], ""] for name in pictures],
    )


def evaluation_report(
    folder: Path,
    title: str,
    intro: str,
    rows: Sequence[Mapping[str, Any]],
    grid: bytes,
    facts: Mapping[str, Any],
    training: Sequence[Mapping[str, Any]] = (),
) -> list[Path]:
    """Writes ``results.json``, the table (md, csv, tex), the figures and ``index.html``.

    Args:
        folder: Where the files go; created if missing.
        title: Of the page.
        intro: What was evaluated, in a sentence or two.
        rows: Of the evaluation.
        grid: The pictures, as PNG; see `gallery_grid`.
        facts: Command, commit, seeds, numbers of signals, times, machine.
        training: Records of ``metrics.jsonl``, to show the training curve.

    Returns:
        The files written, the page first.
    """
    metric = series.metric_label(rows)
    table, progress = steps_table(rows), training_curve(training, metric) if training else None
    written = [
        files.write_json(folder / "results.json", list(rows)),
        files.write_json(folder / "facts.json", dict(facts)),
        files.write_text(folder / "table.md", with_facts(table.to_markdown(), facts)),
        files.write_text(folder / "table.csv", table.to_csv()),
        files.write_text(folder / "table.tex", table.to_latex()),
        files.write_bytes(folder / "curves.png", curves(rows, title)),
        files.write_bytes(folder / "pictures.png", grid),
    ]
    if progress:
        written.append(files.write_bytes(folder / "training.png", progress))
    text = page(title, intro, _sections(rows, table, grid, progress, facts))
    return [write(folder / "index.html", text), *written]


def _sections(
    rows: Sequence[Mapping[str, Any]],
    table: Table,
    grid: bytes,
    progress: bytes | None,
    facts: Mapping[str, Any],
) -> list[Section]:
    """Returns the sections of the page."""
    results: list[Part] = [
        "All initializations are fitted by the same loop. The step size behind every number in the "
        "table was chosen on validation signals for that number of steps.",
        table,
        Curves(
            rows,
            f"{series.metric_label(rows)} against inner steps; the band is one standard deviation "
            "over signals.",
        ),
    ]
    pictures = Image(grid, _GRID_CAPTION, "fits from each initialization")
    sections = [Section("Results", results), Section("Pictures", [pictures])]
    if progress:
        image = Image(
            progress,
            f"Loss and validation {series.metric_label(rows)}.",
            "loss and validation metric by outer step",
        )
        sections.append(Section("Meta-training", [image]))
    command = Code(str(facts.get("command", "")))
    others = {name: value for name, value in facts.items() if name != "command"}
    return [*sections, Section("How to reproduce this page", [command, Facts(others)])]


def with_facts(markdown: str, facts: Mapping[str, Any]) -> str:
    """Returns a table in Markdown with a list of facts below it."""
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    return "\n".join([markdown.rstrip(), "", *lines, ""])
