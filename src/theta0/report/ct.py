"""CT by number of views: the table, the curve, and reconstructions beside the target."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.metrics import psnr

from . import series
from .figures import labelled_figure
from .pictures import difference, picture_grid
from .tables import Table


def sparse_view_table(rows: Sequence[series.Row]) -> Table:
    """Table 3: PSNR and SSIM of every start and method, for each number of views.

    Args:
        rows: One a number of views, run and start or method, the best optimizer of each:
            ``views``, ``train_class`` (None: no network), ``init``, ``optimizer``, ``lr``, ``w0``,
            ``tv`` and ``samples`` or ``setting``, ``steps``, ``psnr_mean``, ``psnr_std``,
            ``ssim_mean``, ``n``, ``psnr`` (each slice), and of starts ``psnr_best_step`` and
            ``held_out_cost``.
    """
    label = _labels(rows)
    # Baselines cost the most and are measured on fewer slices, which may be easier or harder.
    alike = len({row["n"] for row in rows}) == 1
    common = _on_common_slices(rows)
    count = series.numbers(rows, "n")
    return Table(
        title="CT by number of views: PSNR in dB and SSIM",
        columns=(
            "views", "method", "how", "steps", "n", "PSNR", "±", "SSIM", "common",
            "best step", "held out",
        ),
        rows=[
            (
                row["views"], label(row), _how(row), row["steps"] or None, row["n"],
                row["psnr_mean"], series.standard_error(row), row.get("ssim_mean"), shared,
                row.get("psnr_best_step"), row.get("held_out_cost"),
            )
            for row, shared in zip(rows, common, strict=True)
        ],
        notes=(
            f"Mean over {count} test slices, the first ones; ±: its standard error. How: "
            "optimizer, step size, w0 of standard, weight of total variation and samples a ray; of "
            "fbp the window and cutoff, of sart iterations and relaxation, of total variation its "
            "weight and points a pixel. All that, and the number of steps, is chosen on validation "
            "slices. Common: PSNR over the slices that all rows of that number of views have, by "
            "which they are compared. Best step: PSNR if the truth chose the number of steps of "
            "each slice. Held out: by how many dB that is missed if a tenth of "
            f"the rays chooses it{_few(rows)}.",
            *_who_leads(rows, common),
        ),
        higher=("SSIM", "common") if alike else ("common",),
        within="views",
    )  # fmt: skip


def sparse_view_curve(rows: Sequence[series.Row]) -> bytes:
    """PSNR against the number of views, with two standard errors; a PNG file."""
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
        look = series.style(group[0]["init"])
        known = group[0]["train_class"] is None or not several
        colour = look.colour if known else f"C{number}"
        axes.fill_between(views, mean - error, mean + error, color=colour, alpha=0.15, linewidth=0)
        dashes = (0, look.dashes) if known and look.dashes else "-"
        axes.plot(
            views, mean, color=colour, marker=look.marker, markersize=4, linestyle=dashes,
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
    """The target and its reconstructions in a row, and what each gets wrong below; a PNG file."""
    # Grey as colours, as the errors are.
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
    """Names of the runs that rows are about."""
    return {row["train_class"] for row in rows} - {None}


def _labels(rows: Sequence[series.Row]):
    """A name for what a row is about; runs are named where there are several."""
    runs = _runs(rows)

    def label(row: series.Row) -> str:
        if row["train_class"] is None or len(runs) == 1:
            return "total variation" if row["init"] == "tv" else row["init"]
        return f"{row['init']} ({row['train_class']})"

    return label


def _few(rows: Sequence[series.Row]) -> str:
    """On how many slices held-out rays were tried, where the rows say so."""
    counts = sorted({row["n_held_out"] for row in rows if "n_held_out" in row})
    return f", on the first {' or '.join(map(str, counts))} slices" if counts else ""


def _how(row: series.Row) -> str:
    """Optimizer and what was chosen for it."""
    if row["optimizer"] is None:
        return ", ".join(map(_short, row["setting"].values()))
    more = "".join(f", {name} {row[name]:g}" for name in ("w0", "tv", "samples") if name in row)
    return f"{row['optimizer']} {row['lr']:g}{more}"


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _on_common_slices(rows: Sequence[series.Row]) -> list[float]:
    """Mean PSNR of each row over the slices that all rows of its number of views have."""
    fewest: dict[int, int] = {}
    for row in rows:
        fewest[row["views"]] = min(row["n"], fewest.get(row["views"], row["n"]))
    return [float(np.mean(row["psnr"][: fewest[row["views"]]])) for row in rows]


def _who_leads(rows: Sequence[series.Row], common: Sequence[float]) -> list[str]:
    """Up to how many views a learned start leads by ``common``, and what does where it does not."""
    label, leads, others = _labels(rows), [], []
    ranked = list(zip(common, rows, strict=True))
    for views in sorted({row["views"] for row in rows}):
        _, best = max((one for one in ranked if one[1]["views"] == views), key=lambda one: one[0])
        if best["train_class"] is not None and best["init"].startswith("learned"):
            leads.append(str(views))
        else:
            others.append(f"{label(best)} at {views}")
    said = [f"A learned start leads at {', '.join(leads)} views."] if leads else []
    return [*said, *([f"Others lead: {', '.join(others)} views."] if others else [])]
