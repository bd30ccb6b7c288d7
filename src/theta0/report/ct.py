"""Sparse-view CT: the table and curve by number of views, and reconstructions with their errors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.metrics import psnr

from . import series
from .figures import labelled_figure
from .pictures import difference, picture_grid
from .tables import Cell, Table


def sparse_view_table(rows: Sequence[series.Row]) -> Table:
    """Table 3: PSNR and SSIM of every initialization and classical method by number of views.

    Args:
        rows: One for each number of views, run and initialization (or classical method), with its
            best rule: ``views``, ``train_class`` (None: classical), ``init``, ``rule``, ``lr``,
            ``w0``, ``tv`` and ``samples`` or ``setting``, ``steps``, ``psnr_mean``,
            ``psnr_std``, ``ssim_mean``, ``n``, ``psnr`` (of each slice); of initializations also
            ``psnr_best_step`` and ``held_out_cost``.
    """
    # Baselines cost the most and are evaluated on fewer slices, which may be easier or harder.
    alike = len({row["n"] for row in rows}) == 1
    common = _on_common_slices(rows)
    return Table(
        title="CT by number of views: PSNR in dB and SSIM",
        columns=(
            "views", "method", "settings", "steps", "n", "PSNR", "±", "SSIM", "common",
            "best step", "early stopping",
        ),
        rows=_cells(rows, common),
        notes=(_note(rows), *_who_leads(rows, common)),
        higher=("SSIM", "common") if alike else ("common",),
        within="views",
    )  # fmt: skip


def _cells(rows: Sequence[series.Row], common: Sequence[float]) -> list[tuple[Cell, ...]]:
    """Returns the cells of each row."""
    label = _labels(rows)
    return [
        (
            row["views"], label(row), _settings(row), row["steps"] or None, row["n"],
            row["psnr_mean"], series.standard_error(row), row.get("ssim_mean"), shared,
            row.get("psnr_best_step"), row.get("held_out_cost"),
        )
        for row, shared in zip(rows, common, strict=True)
    ]  # fmt: skip


def _note(rows: Sequence[series.Row]) -> str:
    """Returns what the columns mean."""
    counts = sorted({row["n_held_out"] for row in rows if "n_held_out" in row})
    few = f", on the first {' or '.join(map(str, counts))} slices" if counts else ""
    return (
        f"Mean over the first {series.numbers(rows, 'n')} test slices; ±: standard error of the "
        "mean. Settings: of a network, the update rule, step size, w0 of standard, weight of total "
        "variation and samples per ray; of fbp, the window and cutoff; of sart, the iterations and "
        "relaxation; of total variation, its weight and grid points per pixel. Settings and the "
        "number of steps are chosen on validation slices. Common: PSNR over the slices that all "
        "rows with the same number of views share; methods are ranked by it. Best step: PSNR if "
        "the ground truth chose the number of steps of each slice. Early stopping: by how many dB "
        f"PSNR falls below that when a validation tenth of the rays chooses instead{few}."
    )


def sparse_view_curve(rows: Sequence[series.Row]) -> bytes:
    """Draws PSNR against the number of views, with two standard errors; returns a PNG file."""
    label = _labels(rows)
    several = len(_runs(rows)) > 1
    lines: dict[str, list[series.Row]] = {}
    for row in rows:
        lines.setdefault(label(row), []).append(row)
    render, axes = labelled_figure("PSNR on test slices by number of views", "views", "PSNR (dB)")
    for number, (name, group) in enumerate(lines.items()):
        views = [row["views"] for row in group]
        mean = np.array([row["psnr_mean"] for row in group])
        error = 2 * np.array([series.standard_error(row) or 0.0 for row in group])
        style = series.style(group[0]["init"])
        known = group[0]["train_class"] is None or not several
        colour = style.colour if known else f"C{number}"
        axes.fill_between(views, mean - error, mean + error, color=colour, alpha=0.15, linewidth=0)
        dashes = (0, style.dashes) if known and style.dashes else "-"
        axes.plot(
            views, mean, color=colour, marker=style.marker, markersize=4, linestyle=dashes,
            label=name,
        )  # fmt: skip
    axes.set_xscale("log", base=2)
    ticks = sorted({row["views"] for row in rows})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
    return render()


def reconstructions_grid(
    target: Float[np.ndarray, "height width channels"],
    pictures: Mapping[str, Float[np.ndarray, "height width channels"]],
) -> bytes:
    """Draws the target and its reconstructions in a row, their errors below; returns a PNG file."""
    # Errors have three channels, so grey pictures get three, too.
    colours = lambda picture: np.broadcast_to(picture, (*picture.shape[:2], 3))
    return picture_grid(
        [
            [colours(target), *map(colours, pictures.values())],
            [None, *(difference(np.clip(one, 0, 1), target) for one in pictures.values())],
        ],
        ["", "error"],
        ["target", *pictures],
        [
            [None, *(f"{psnr(picture, target):.1f} dB" for picture in pictures.values())],
            [None] * (len(pictures) + 1),
        ],
    )


def _runs(rows: Sequence[series.Row]) -> set[str]:
    """Returns the names of the runs that the rows are about."""
    return {row["train_class"] for row in rows} - {None}


def _labels(rows: Sequence[series.Row]) -> Callable[[series.Row], str]:
    """Returns a function that names a row; the run is part of the name if there are several."""
    runs = _runs(rows)

    def label(row: series.Row) -> str:
        if row["train_class"] is None or len(runs) == 1:
            return "total variation" if row["init"] == "tv" else row["init"]
        return f"{row['init']} ({row['train_class']})"

    return label


def _settings(row: series.Row) -> str:
    """Returns the update rule and what was chosen for it, or the settings of a classical method."""
    if row["rule"] is None:
        return ", ".join(map(_short, row["setting"].values()))
    chosen = ("w0", "tv", "huber", "proximal", "samples")
    more = "".join(f", {name} {row[name]:g}" for name in chosen if name in row)
    return f"{row['rule']} {series.step_size(row)}".strip() + more


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _on_common_slices(rows: Sequence[series.Row]) -> list[float]:
    """Returns the mean PSNR of each row over the slices shared by its number of views."""
    fewest: dict[int, int] = {}
    for row in rows:
        fewest[row["views"]] = min(row["n"], fewest.get(row["views"], row["n"]))
    return [float(np.mean(row["psnr"][: fewest[row["views"]]])) for row in rows]


def _who_leads(rows: Sequence[series.Row], common: Sequence[float]) -> list[str]:
    """Says at which numbers of views a learned initialization leads, and what leads at others."""
    label, leads, others = _labels(rows), [], []
    ranked = list(zip(common, rows, strict=True))
    for views in sorted({row["views"] for row in rows}):
        _, best = max((one for one in ranked if one[1]["views"] == views), key=lambda one: one[0])
        if best["train_class"] is not None and best["init"].startswith("learned"):
            leads.append(str(views))
        else:
            others.append(f"{label(best)} at {views}")
    said = [f"A learned initialization leads at {', '.join(leads)} views."] if leads else []
    return [*said, *([f"Others lead: {', '.join(others)} views."] if others else [])]
