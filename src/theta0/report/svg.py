"""PSNR against steps as inline SVG, readable without JavaScript; with it, values show on hover."""

import html
from collections.abc import Iterable, Sequence

from theta0.report import series

# The area of the axes in SVG units; labels are placed to its right.
_LEFT, _TOP, _WIDTH, _HEIGHT = 46, 34, 300, 220
_LINE = 15  # least distance between two labels

# One handler for all charts of a page. Values are set as textContent, never as markup.
SCRIPT = """
document.querySelectorAll("svg.curves").forEach(function (svg) {
  var out = svg.querySelector(".readout"), points = svg.querySelectorAll("[data-value]"), old;
  svg.addEventListener("pointermove", function (event) {
    var best = null, least = 900;
    points.forEach(function (point) {
      var box = point.getBoundingClientRect();
      var dx = box.left + box.width / 2 - event.clientX;
      var dy = box.top + box.height / 2 - event.clientY;
      if (dx * dx + dy * dy < least) { least = dx * dx + dy * dy; best = point; }
    });
    if (old) old.classList.remove("near");
    if (best) best.classList.add("near");
    old = best;
    out.textContent = best ? best.getAttribute("data-value") : "";
  });
  svg.addEventListener("pointerleave", function () {
    if (old) old.classList.remove("near");
    out.textContent = "";
  });
});
"""

STYLE = """
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
svg.curves { flex: 1 1 24rem; max-width: 34rem; width: 100%; height: auto; }
svg.curves text { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg.curves text.title { font-weight: 600; font-size: 13px; }
svg.curves .grid { stroke: var(--rule); }
svg.curves .frame { stroke: var(--faint); fill: none; }
svg.curves .line { fill: none; stroke-width: 2; }
svg.curves .leader { stroke-width: 0.8; opacity: 0.7; fill: none; }
svg.curves .band { opacity: 0.13; }
svg.curves .near { stroke: var(--ink); stroke-width: 2.5; }
"""


def curves_svg(rows: Iterable[series.Row]) -> str:
    """Draws PSNR against steps, one small chart for each update rule and number of views.

    All charts share the vertical scale. Each point has a tooltip with its value; `SCRIPT` shows the
    value of the nearest point above the axes. Colours of lines come from `series`, others from
    `STYLE`.

    Args:
        rows: Results as in `series`.

    Returns:
        SVG elements for an HTML page, with all names escaped.

    Raises:
        ValueError: No row can be drawn, or two describe the same point.
    """
    rows = list(rows)
    panels = [panel for panel in series.panels(rows) if panel.curves]
    if not panels:
        raise ValueError("no row has a finite mean")
    curves = [curve for panel in panels for curve in panel.curves]
    lows = [m - (s or 0) for c in curves for m, s in zip(c.mean, c.std, strict=True)]
    highs = [m + (s or 0) for c in curves for m, s in zip(c.mean, c.std, strict=True)]
    scale = _Scale(min(lows), max(highs), max(curve.steps[-1] for curve in curves))
    label = series.metric_label(rows)
    charts = "\n".join(_chart(panel, scale, label) for panel in panels)
    return f'<div class="charts">\n{charts}\n</div>\n'


class _Scale:
    """Maps steps and decibels to SVG coordinates."""

    def __init__(self, low: int | float, high: int | float, last: int):
        span = max(high - low, 1.0)
        self.unit = next(unit for unit in (1, 2, 5, 10, 20, 50, 10**9) if span / unit <= 8)
        self.low = self.unit * (low // self.unit)
        self.high = max(self.unit * -(-high // self.unit), self.low + self.unit)
        self.last = last

    def x(self, step: int | float) -> float:
        """Returns the horizontal coordinate of a step."""
        share = series.position(step) / series.position(max(self.last, 1))
        return _LEFT + 8 + (_WIDTH - 16) * share

    def y(self, value: int | float) -> float:
        """Returns the vertical coordinate of a value."""
        return _TOP + _HEIGHT * (self.high - value) / (self.high - self.low)

    def marks(self) -> list[int | float]:
        """Returns the values that have a grid line."""
        count = round((self.high - self.low) / self.unit)
        return [self.low + i * self.unit for i in range(count + 1)]


def _chart(panel: series.Panel, scale: _Scale, label: str) -> str:
    """Draws one panel."""
    title, unit = html.escape(panel.title), html.escape(label.partition(" (")[2].rstrip(")"))
    unit = f" {unit}" if unit else ""
    names = html.escape(", ".join(f"{c.label} {c.mean[-1]:.2f}{unit}" for c in panel.curves))
    wanted = [scale.y(curve.mean[-1]) for curve in panel.curves]
    places = series.spread(wanted, _LINE, _TOP + 4, _TOP + _HEIGHT)
    # 7 units per letter is enough for the widest common sans-serif font at size 12.
    width = _LEFT + _WIDTH + 30 + 7 * max(16, *(len(c.label) + 5 for c in panel.curves))
    parts = [
        f'<svg class="curves" viewBox="0 0 {width} {_TOP + _HEIGHT + 48}" role="img" '
        f'aria-label="{html.escape(label)} against steps, {title}; at the end: {names}">',
        f'<text class="title" x="{_LEFT}" y="14">{title}</text>',
        f'<text class="readout" x="{width - 4}" y="14" text-anchor="end"></text>',
        *_axes(scale, label),
        *(_band(curve, scale) for curve in panel.curves),
        *(
            _line(curve, scale, place, unit)
            for curve, place in zip(panel.curves, places, strict=True)
        ),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part)


def _axes(scale: _Scale, label: str) -> list[str]:
    """Draws the grid, its numbers and the axis labels."""
    right, bottom = _LEFT + _WIDTH, _TOP + _HEIGHT
    parts = []
    for mark in scale.marks():
        y = scale.y(mark)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{mark:g}</text>')
    for step in series.ticks(scale.last):
        x = scale.x(step)
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{bottom}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{step:,}</text>')
    middle = _LEFT + _WIDTH / 2
    parts.append(f'<path class="frame" d="M{_LEFT} {_TOP}V{bottom}H{right}"/>')
    parts.append(f'<text x="{middle}" y="{bottom + 36}" text-anchor="middle">steps</text>')
    centre = _TOP + _HEIGHT / 2
    parts.append(
        f'<text transform="translate(13 {centre}) rotate(-90)" text-anchor="middle">'
        f"{html.escape(label)}</text>"
    )
    return parts


def _band(curve: series.Curve, scale: _Scale) -> str:
    """Draws a band of one standard deviation to either side, where it is known."""
    if all(std is None for std in curve.std):
        return ""
    points = list(zip(curve.steps, curve.mean, curve.std, strict=True))
    upper = [(scale.x(step), scale.y(mean + (std or 0))) for step, mean, std in points]
    lower = [(scale.x(step), scale.y(mean - (std or 0))) for step, mean, std in points]
    colour = series.style(curve.init).colour
    return f'<path class="band" fill="{colour}" d="{_path([*upper, *reversed(lower)])}Z"/>'


def _line(curve: series.Curve, scale: _Scale, place: int | float, unit: str) -> str:
    """Draws a curve, its points with their tooltips, and its label at height `place`."""
    style = series.style(curve.init)
    dashes = ",".join(f"{2 * d:g}" for d in style.dashes) or "none"
    places = [(scale.x(s), scale.y(m)) for s, m in zip(curve.steps, curve.mean, strict=True)]
    label = html.escape(curve.label)
    parts = [
        f'<g stroke="{style.colour}" fill="{style.colour}">'
        f'<path class="line" stroke-dasharray="{dashes}" d="{_path(places)}"/>'
    ]
    for (x, y), step, mean, std in zip(places, curve.steps, curve.mean, curve.std, strict=True):
        deviation = "" if std is None else f" ± {std:.2f}"
        steps = f"{step:,} step" + ("" if step == 1 else "s")
        value = f"{label}, {steps}: {mean:.2f}{deviation}{unit}"
        shape = _marker(style.marker, x, y)
        parts.append(f'<path data-value="{value}" d="{shape}"><title>{value}</title></path>')
    edge = _LEFT + _WIDTH + 12
    parts.append(f'<path class="leader" d="{_path([places[-1], (edge, place)])}"/>')
    parts.append(f'<path d="{_marker(style.marker, edge + 4, place)}"/></g>')
    parts.append(f'<text x="{edge + 12}" y="{place + 4:.1f}">{label} {curve.mean[-1]:.1f}</text>')
    return "".join(parts)


def _path(points: Sequence[tuple[int | float, int | float]]) -> str:
    """Returns a polyline as path data."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


# Corners of a marker of half width 1, by matplotlib's letter.
_CORNERS = {
    "s": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "D": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    "d": ((0, -1.2), (0.7, 0), (0, 1.2), (-0.7, 0)),
    "h": ((0, -1.1), (0.95, -0.55), (0.95, 0.55), (0, 1.1), (-0.95, 0.55), (-0.95, -0.55)),
    "^": ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
    "v": ((0, 1.1), (1.1, -0.9), (-1.1, -0.9)),
    "P": ((-1.2, -0.4), (-0.4, -0.4), (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4),
          (1.2, 0.4), (0.4, 0.4), (0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4)),
    "X": ((-1.2, -0.6), (-0.6, -1.2), (0, -0.6), (0.6, -1.2), (1.2, -0.6), (0.6, 0),
          (1.2, 0.6), (0.6, 1.2), (0, 0.6), (-0.6, 1.2), (-1.2, 0.6), (-0.6, 0)),
}  # fmt: skip


def _marker(kind: str, x: int | float, y: int | float, radius: float = 3.4) -> str:
    """Returns the outline of a marker as path data."""
    if kind == "o":
        return (
            f"M{x - radius:.1f} {y:.1f}a{radius} {radius} 0 1 0 {2 * radius} 0"
            f"a{radius} {radius} 0 1 0 {-2 * radius} 0Z"
        )
    return _path([(x + radius * dx, y + radius * dy) for dx, dy in _CORNERS[kind]]) + "Z"
