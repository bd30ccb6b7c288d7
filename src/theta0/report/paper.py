"""The files of a table or figure of the paper."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from theta0 import files

from .evaluation import with_facts
from .tables import Table


def paper_report(
    folder: Path,
    table: Table,
    figures: Mapping[str, bytes],
    rows: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Any],
) -> list[Path]:
    """Writes the table (md, csv, tex), the figures, the rows, and how they were made.

    Args:
        folder: Where the files go; created if missing.
        table: The rows laid out as a table.
        figures: PNG files by name.
        rows: Of the evaluation; ``psnr``, of each signal, is written to ``signals.json`` only.
        facts: Command, commit, seeds, numbers of signals, times, machine; ``runs`` by class.

    Returns:
        The files written, the table first.
    """
    means = [{name: row[name] for name in row if name != "psnr"} for row in rows]
    flat = {
        **{name: value for name, value in facts.items() if name != "runs"},
        **{
            f"initialization of {name}": ", ".join(f"{key}: {value}" for key, value in run.items())
            for name, run in facts["runs"].items()
        },
    }
    return [
        files.write_text(folder / "table.md", with_facts(table.to_markdown(), flat)),
        files.write_text(folder / "table.csv", table.to_csv()),
        files.write_text(folder / "table.tex", table.to_latex()),
        *(files.write_bytes(folder / name, png) for name, png in figures.items()),
        files.write_json(folder / "results.json", means),
        files.write_json(folder / "signals.json", list(rows)),
        files.write_json(folder / "facts.json", dict(facts)),
    ]
