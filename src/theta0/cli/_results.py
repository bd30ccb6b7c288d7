"""From an evaluation to its report, its terminal table and its JSON."""

from pathlib import Path
from typing import Any

from theta0.evaluation import metric_of
from theta0.files import write_json
from theta0.metrics import psnr
from theta0.presets import Evaluation, Gallery, command_line, environment
from theta0.report import evaluation_report, gallery_grid, metric_label, steps_table

from ._common import console, say


def write_evaluation(
    folder: Path,
    title: str,
    intro: str,
    evaluation: Evaluation,
    training: list[dict[str, Any]],
    system: dict[str, Any],
) -> dict[str, Any]:
    """Write the report, print the table, say where it is; returns the JSON result."""
    rows = [{name: row[name] for name in row if name != metric_of(row)} for row in evaluation.rows]
    write_json(folder / "signals.json", evaluation.rows)
    facts = {"command": command_line(), **evaluation.facts, **system}
    grid = gallery_png(evaluation.gallery)
    page, *_ = evaluation_report(folder, title, intro, rows, grid, facts, training)
    console.print(steps_table(rows).to_rich())
    say(f"page with curves and pictures: {page}")
    say(f"tables and rows: {folder / 'table.md'}, {folder / 'results.json'}")
    say(f"each signal's {metric_label(rows)}: {folder / 'signals.json'}")
    return {"page": str(page), "results": rows, "facts": facts}


def gallery_png(gallery: Gallery) -> bytes:
    """The pictures of a gallery with their PSNR."""
    label = lambda name: f"{name}, {gallery.fits[name]}"
    pictures = {label(name): row for name, row in gallery.pictures.items()}
    captions = {
        name: [f"{psnr(picture, gallery.target):.2f} dB" for picture in row]
        for name, row in pictures.items()
    }
    return gallery_grid(gallery.target, gallery.steps, pictures, captions)


def system_facts() -> dict[str, Any]:
    """Versions, commit and machine, for the record of a result.

    Call it before the work begins: the sources may change while it runs.
    """
    system = environment()
    return {name: system[name] for name in ("theta0", "commit", "jax", "machine")}
