"""The report of an evaluation: tables in every form, curves, pictures and one HTML page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from theta0 import files

from .figures import curves, training_curve
from .html import Code, Curves, Facts, Image, Part, Section, page, write
from .pictures import Picture, picture_grid
from .tables import steps_table


def gallery_grid(
    target: Picture,
    steps: Sequence[int],
    pictures: Mapping[str, Sequence[Picture]],
    captions: Mapping[str, Sequence[str]],
) -> bytes:
    """One signal as every initialization shows it after some steps, the target last, as PNG.

    Args:
        target: The signal.
        steps: Numbers of steps, one a column.
        pictures: Predictions by initialization, one a step.
        captions: Text under each of them.
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
        folder: Where they go; made if missing.
        title: Of the page.
        intro: What was done, in a sentence or two.
        rows: Of the evaluation.
        grid: The pictures, as PNG; see `gallery_grid`.
        facts: Command, commit, seeds, numbers of signals, times, machine.
        training: Records of ``metrics.jsonl``, if the training curve is to be shown.

    Returns:
        The files written, the page first.
    """
    table = steps_table(rows)
    written = [
        files.write_json(folder / "results.json", list(rows)),
        files.write_json(folder / "facts.json", dict(facts)),
        files.write_text(folder / "table.md", with_facts(table.to_markdown(), facts)),
        files.write_text(folder / "table.csv", table.to_csv()),
        files.write_text(folder / "table.tex", table.to_latex()),
        files.write_bytes(folder / "curves.png", curves(rows, title)),
        files.write_bytes(folder / "pictures.png", grid),
    ]
    parts: list[Part] = [
        "Each start is fitted by the same loop. The step size of every number in the table was "
        "chosen on validation signals for that number of steps.",
        table,
        Curves(rows, "PSNR against gradient steps; the band is one standard "
               "deviation over signals."),
    ]  # fmt: skip
    sections = [
        Section("Results", parts),
        Section(
            "Pictures",
            [
                Image(
                    grid,
                    "The first test signal, fitted from each start with the optimizer and step "
                    "size that is best for it after the last of these steps; PSNR in dB below "
                    "each picture.",
                    "fits by start",
                )
            ],
        ),
    ]
    if training:
        png = training_curve(training)
        written.append(files.write_bytes(folder / "training.png", png))
        sections.append(
            Section("Learning the start", [Image(png, "Meta-training.", "loss and PSNR by step")])
        )
    command = Code(str(facts.get("command", "")))
    others = {name: value for name, value in facts.items() if name != "command"}
    sections.append(Section("How it was made", [command, Facts(others)]))
    return [write(folder / "index.html", page(title, intro, sections)), *written]


def with_facts(markdown: str, facts: Mapping[str, Any]) -> str:
    """Returns a table in Markdown with a list of facts below it."""
    lines = [f"- {name}: {value}" for name, value in facts.items()]
    return "\n".join([markdown.rstrip(), "", *lines, ""])
