"""Figures as PNG files: PSNR against steps, and the progress of meta-training."""

import io
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from theta0.report import series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DPI = 110
Point = tuple[int | float, int | float]  # step, value

_INK = "#202124"
_FAINT = "#9aa0a6"


def curves(rows: Iterable[series.Row], title: str) -> bytes:
    """Draws PSNR against steps, one line for each initialization.

    There is one pair of axes for each rule and number of views, all with the same vertical
    scale. The axis of steps is linear up to 1 and logarithmic beyond. A band shows one standard
    deviation over signals to either side, where the rows have one.

    Args:
        rows: Results as in `series`.
        title: Of the figure.

    Returns:
        A PNG file.

    Raises:
        ValueError: No row can be drawn, or two describe the same point.
    """
    rows = list(rows)
    panels = [panel for panel in series.panels(rows) if panel.curves]
    if not panels:
        raise ValueError(f"none of the {len(rows)} rows has a finite mean")
    across = min(len(panels), 4 if len(panels) % 4 == 0 else 3 if len(panels) % 3 == 0 else 2)
    down = -(-len(panels) // across)
    figure = _figure(across * (4.6 if across < 3 else 3.8), 0.7 + 3.1 * down)
    grid = figure.subplots(down, across, squeeze=False, sharey=True)
    last = max(curve.steps[-1] for panel in panels for curve in panel.curves)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _panel(axes, panel, series.ticks(last, sparse=across > 2), last)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[:, 0]:
        axes.set_ylabel(series.metric_label(rows))
    _heading(figure, title)
    figure.canvas.draw()  # fixes the layout, so that labels can be placed in pixels
    for axes, panel in zip(grid.flat, panels, strict=False):
        _label_ends(axes, panel)
    return _png(figure)


def training_curve(records: Iterable[Mapping[str, Any]], metric: str = "PSNR (dB)") -> bytes:
    """Draws the loss and the validation metric of a run against its outer steps.

    Args:
        records: Lines of `metrics.jsonl`: `step`, `seconds`, `loss` and, in some, `validation_psnr`
            (of every metric).
        metric: What the metric is called, its unit included.

    Returns:
        A PNG file.

    Raises:
        ValueError: No record has a step.
    """
    records = [record for record in records if record.get("step") is not None]
    if not records:
        raise ValueError("no record has a step: the run has not logged anything yet")
    loss = _points(records, "loss")
    psnr = _points(records, "validation_psnr")
    figure = _figure(7.0, 5.0 if psnr else 3.2)
    axes = list(figure.subplots(2 if psnr else 1, 1, sharex=True, squeeze=False).flat)
    _loss(axes[0], loss)
    if psnr:
        learned = series.style("learned")
        axes[1].plot(*zip(*psnr, strict=True), color=learned.colour, marker="o", markersize=4)
        axes[1].set_ylabel(f"validation {metric}")
    axes[-1].set_xlabel("outer steps")
    for axis in axes:
        _plain(axis)
    _heading(figure, _summary(records, psnr, metric))
    return _png(figure)


def minutes_curve(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Draws validation PSNR against minutes of meta-training, one line for each run.

    Args:
        rows: One for each validation: `train_class`, `meta`, `seconds`, `psnr_mean` in dB.

    Returns:
        A PNG file.
    """
    runs: dict[str, list[Point]] = {}
    for row in rows:
        name = f"{row['train_class']}, {row['meta']}"
        runs.setdefault(name, []).append((row["seconds"] / 60, row["psnr_mean"]))
    title = "Validation PSNR by minutes of meta-training"
    render, axes = labelled_figure(title, "minutes of meta-training", "validation PSNR (dB)")
    for number, (name, points) in enumerate(runs.items()):
        axes.plot(
            *zip(*points, strict=True), color=f"C{number % 10}", marker=_MARKERS[number % 11],
            markersize=4, label=name,
        )  # fmt: skip
    # Beside the axes: with many runs, no corner of them is free.
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return render()


_MARKERS = "os^DvPX<>*h"
"""One more than there are colours, so that 110 runs look different"""


def labelled_figure(title: str, across: str, up: str) -> tuple[Callable[[], bytes], "Axes"]:
    """Makes a figure with one pair of axes; returns the function that renders it, and the axes."""
    figure = _figure(7.0, 4.6)
    axes = figure.subplots()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    _plain(axes)
    _heading(figure, title)
    return lambda: _png(figure), axes


def _panel(axes: "Axes", panel: series.Panel, marks: Sequence[int], last: int) -> None:
    """Draws the lines and bands of one panel."""
    for curve in panel.curves:
        style = series.style(curve.init)
        x = [series.position(step) for step in curve.steps]
        if any(std is not None for std in curve.std):
            spread = [std or 0.0 for std in curve.std]
            low = [m - s for m, s in zip(curve.mean, spread, strict=True)]
            high = [m + s for m, s in zip(curve.mean, spread, strict=True)]
            axes.fill_between(x, low, high, color=style.colour, alpha=0.13, linewidth=0)
        axes.plot(
            x,
            curve.mean,
            color=style.colour,
            marker=style.marker,
            markersize=5,
            linewidth=1.8,
            linestyle=(0, style.dashes) if style.dashes else "-",
            zorder=4 if curve.init == "learned" else 3,
        )
    axes.set_xticks([series.position(step) for step in marks], [f"{step:,}" for step in marks])
    axes.set_xlim(-0.15, series.position(last) + 0.15)
    axes.set_xlabel("steps")
    axes.set_title(panel.title, fontsize=10, color=_INK)
    _plain(axes)


def _label_ends(axes: "Axes", panel: series.Panel) -> None:
    """Writes the name and last value of each line to the right of its end, without overlap."""
    to_pixels, height = axes.transData, axes.bbox.height
    bottom = axes.bbox.y0
    wanted = [to_pixels.transform((0, c.mean[-1]))[1] - bottom for c in panel.curves]
    places = series.spread(wanted, gap=15 * _DPI / 100, low=4, high=height - 4)
    for curve, place in zip(panel.curves, places, strict=True):
        style = series.style(curve.init)
        y = place / height
        end = axes.transAxes.inverted().transform(
            to_pixels.transform((series.position(curve.steps[-1]), curve.mean[-1]))
        )
        line = {"transform": axes.transAxes, "clip_on": False, "color": style.colour}
        axes.plot([end[0], 1.05], [end[1], y], linewidth=0.7, alpha=0.7, **line)
        axes.plot([1.06], [y], marker=style.marker, markersize=5, linestyle="none", **line)
        text = f"{curve.label} {curve.mean[-1]:.1f}"
        axes.text(1.09, y, text, transform=axes.transAxes, va="center", fontsize=8.5, color=_INK)


def _loss(axes: "Axes", points: Sequence[Point]) -> None:
    """Draws the loss on a logarithmic axis, with a running median if there are many points."""
    axes.set_ylabel("loss")
    points = [(step, value) for step, value in points if value > 0]
    if not points:
        axes.text(0.5, 0.5, "no finite loss", transform=axes.transAxes, ha="center")
        return
    steps, values = zip(*points, strict=True)
    axes.set_yscale("log")
    many = len(values) > 40
    axes.plot(steps, values, color=_FAINT, linewidth=0.8 if many else 1.6)
    if many:
        half = len(values) // 40
        smooth = [
            statistics.median(values[max(0, i - half) : i + half + 1]) for i in range(len(values))
        ]
        axes.plot(steps, smooth, color=series.style("matched").colour, linewidth=1.8)


def _points(records: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    """Returns (step, value) where the value is a number."""
    return [(r["step"], r[name]) for r in records if series.finite(r.get(name))]


def _summary(records: Sequence[Mapping[str, Any]], scores: Sequence[Point], metric: str) -> str:
    """Returns the length of the run and its best validation metric in words."""
    last = max(records, key=lambda record: record["step"])
    text = f"{last['step']:,} outer steps"
    if series.finite(last.get("seconds")):
        seconds = last["seconds"]
        text += f" in {seconds:.0f} s" if seconds < 120 else f" in {seconds / 60:.1f} min"
    if scores:
        step, best = max(scores, key=lambda point: point[1])
        text += f"; best validation {metric}: {best:.2f} at step {step:,}"
    return text


def _figure(width: float, height: float) -> "Figure":
    """Makes a figure (size in inches) with its own canvas, without pyplot's global state."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _heading(figure: "Figure", title: str) -> None:
    """Sets the title; dollar signs in it do not start mathematics."""
    figure.suptitle(title, fontsize=11, color=_INK, parse_math=False)


def _plain(axes: "Axes") -> None:
    """Removes what carries no information."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.grid(True, color="#e8eaed", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", labelsize=8.5, color=_FAINT, labelcolor=_INK)


def _png(figure: "Figure") -> bytes:
    """Renders a figure with 256 colours: enough for lines, at a third of the file size."""
    from PIL import Image

    raw, out = io.BytesIO(), io.BytesIO()
    figure.savefig(raw, format="png", bbox_inches="tight", pad_inches=0.12)
    image = Image.open(raw).convert("RGB")
    image.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
