"""From an evaluation to its report, its terminal table and its JSON."""

import sys
from pathlib import Path
from typing import Any

from theta0.experiments import Evaluation, environment
from theta0.metrics import psnr
from theta0.report import evaluation_report, gallery_grid, steps_table

from ._common import console, say


def write_evaluation(
    folder: Path, title: str, intro: str, evaluation: Evaluation, training: list[dict[str, Any]]
) -> dict[str, Any]:
    """Write the report, print the table, say where it lies; returns the JSON result."""
    gallery, rows = evaluation.gallery, evaluation.rows
    captions = {
        name: [f"{psnr(picture, gallery.target):.2f} dB" for picture in pictures]
        for name, pictures in gallery.pictures.items()
    }
    grid = gallery_grid(gallery.target, gallery.steps, gallery.pictures, captions)
    system = environment()
    facts = {
        "command": "theta0 " + " ".join(sys.argv[1:]),
        **evaluation.facts,
        **{name: system[name] for name in ("theta0", "commit", "jax", "machine")},
    }
    page, *_ = evaluation_report(folder, title, intro, rows, grid, facts, training)
    console.print(steps_table(rows).to_rich())
    say(f"page with curves and pictures: {page}")
    say(f"tables and rows: {folder / 'table.md'}, {folder / 'results.json'}")
    return {"page": str(page), "results": rows, "facts": facts}
