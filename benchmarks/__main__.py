"""``python -m benchmarks``: measure, print one table, write build/bench.json and bench.md.

python -m benchmarks --only maml --repeats 3
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console

from theta0.files import write_json, write_text
from theta0.report import Table

from . import fitting, grid, memory, meta, quality, scan, startup, views
from ._measure import Row, Sgemm, Sizes, machine

Group = Literal[
    "gradient", "grid", "maml", "memory", "quality", "reptile", "scan", "startup", "views"
]

GROUPS: dict[Group, Callable[[Sizes, Sgemm, int], list[Row]]] = {
    "gradient": fitting.rows,
    "grid": grid.rows,
    "maml": meta.maml,
    "memory": lambda sizes, sgemm, repeats: memory.rows(sizes),
    "quality": lambda sizes, sgemm, repeats: quality.rows(sizes),
    "reptile": meta.reptile,
    "scan": scan.rows,
    "startup": lambda sizes, sgemm, repeats: startup.rows(),
    "views": views.rows,
}


@dataclass(frozen=True)
class Options:
    """Measure speed and memory as ratios; takes about five minutes on two idle cores."""

    only: Group | None = None
    """measure one group of rows"""
    repeats: int = 7
    """times each figure is measured; the median counts"""
    json: bool = False
    """print the results as one JSON object on the last line of the output"""
    out: Path = Path("build/bench.json")
    """where the results are written; the table beside it, as .md"""


def measure(options: Options, sizes: Sizes) -> dict[str, Any]:
    """Facts about the machine, and the rows."""
    sgemm = Sgemm(sizes.sgemm)
    facts = machine(sgemm, options.repeats)
    groups: list[Group] = [options.only] if options.only else list(GROUPS)
    rows = [row for group in groups for row in GROUPS[group](sizes, sgemm, options.repeats)]
    shown = table(facts, rows)
    # A table in a log file must not be folded at rich's default of 80 columns.
    Console(stderr=True, width=None if sys.stderr.isatty() else 150).print(shown.to_rich())
    return {
        "table": shown.to_markdown(),
        "machine": facts,
        "repeats": options.repeats,
        "rows": [{**asdict(row), "passed": row.passed} for row in rows],
    }


def table(facts: dict[str, Any], rows: list[Row]) -> Table:
    """The rows as a table; whether each meets its target stands in words."""
    title = "{cpu}, {cores} cores, sgemm {sgemm_gflops} GFLOP/s, jax {jax}, theta0 {theta0}"
    notes = []
    if facts["load_before"] > 0.5:
        notes.append(
            f"Other programs had been running (load {facts['load_before']:.1f}): they slow the "
            "large products that set the floors more than small ones, which flatters the ratios."
        )
    return Table(
        title.format(**facts),
        ("what", "seconds", "floor", "ratio", "target", "met", "how"),
        [
            (
                row.name,
                _number(row.seconds),
                _number(row.floor_seconds),
                _number(row.ratio),
                f"{'≥' if row.at_least else '≤'} {row.target:g}",
                "yes" if row.passed else "no",
                row.note,
            )
            for row in rows
        ],
        notes,
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def main() -> None:
    options = tyro.cli(Options, description=Options.__doc__, prog="python -m benchmarks")
    results = measure(options, Sizes())
    write_text(options.out.with_suffix(".md"), results.pop("table"))
    write_json(options.out, results)
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
