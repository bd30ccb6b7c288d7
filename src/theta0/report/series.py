"""Groups rows of results into curves, and defines their order, colours and markers.

A row is a plain dict, one for each initialization, update rule and number of steps, with the keys
`init, rule, steps, psnr_mean` and, where known, `lr, psnr_std, n, seconds, views, ssim_mean`. Where
the signals have a metric other than PSNR, it stands in place of psnr in these keys, with its label
and unit under `metric` and `metric_label`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

INITS = ("learned", "standard", "mean", "matched", "shuffled")
RULES = ("learned", "learned+adam", "sgd", "adam")


@dataclass(frozen=True)
class Style:
    """The line style of an initialization, the same in every figure."""

    colour: str
    marker: str  # matplotlib's letter; `svg` draws the same shape
    dashes: tuple[int | float, ...]  # on, off, … in line widths; empty is a solid line


# The palette of Okabe and Ito (Color Universal Design, 2008), distinct under every kind of colour
# blindness; markers and dashes distinguish the lines in grey. All but the lighter two, which are
# the spares, have a contrast of 3 on black and on white.
_STYLES = {
    "learned": Style("#d55e00", "o", ()),
    "standard": Style("#7a7a7a", "s", (5, 2)),
    "mean": Style("#009e73", "^", (1, 1.5)),
    "matched": Style("#0072b2", "D", (6, 2, 1, 2)),
    "shuffled": Style("#cc79a7", "v", (3, 1.5)),
    # Classical CT reconstruction.
    "tv": Style("#56b4e9", "X", ()),
    "sart": Style("#e69f00", "P", ()),
    "fbp": Style("#202124", "d", ()),
}
_ADDED = {
    "tv": ("X", (2, 1)),
    "huber": ("P", (2, 1)),
    "mask": ("X", (1, 1)),
    "flip": ("h", (3, 1)),
}
"""Marker and dashes by what is added to an initialization (`init+added`); the colour stays."""
_SPARE = (Style("#e69f00", "P", (8, 2)), Style("#56b4e9", "X", (2, 2, 6, 2)))


def style(init: str) -> Style:
    """Returns the style of an initialization; an unknown one gets a spare style by its name."""
    plain, _, added = init.partition("+")
    base = _STYLES.get(plain) or _SPARE[sum(plain.encode()) % len(_SPARE)]
    return Style(base.colour, *_ADDED[added]) if added in _ADDED else base


def metric(row: Row) -> str:
    """Returns the name of the metric in the keys of a row."""
    return row.get("metric", "psnr")


def mean(row: Row) -> float | None:
    """Returns the mean metric of a row over its signals; None where there is none."""
    return row[f"{metric(row)}_mean"]


def metric_label(rows: Iterable[Row]) -> str:
    """Returns what the metric of rows is called on an axis: "PSNR (dB)"."""
    return next((row["metric_label"] for row in rows if "metric_label" in row), "PSNR (dB)")


def standard_error(row: Row) -> float | None:
    """Returns the standard error of a row's mean PSNR in dB; None for a single signal."""
    deviation = row["psnr_std"]
    return None if row["n"] < 2 or deviation is None else deviation / math.sqrt(row["n"])


def step_size(row: Row) -> str:
    """Returns the step size of a row in words, or its rule's settings if they are others.

    Empty for a learned rule, and where several step sizes were used.
    """
    return f"{row['lr']:g}" if "lr" in row else row.get("settings", "").partition(":")[2]


def numbers(rows: Iterable[Row], name: str) -> str:
    """Returns the distinct numbers in a column of rows in words, such as "2" or "2 or 3"."""
    return " or ".join(str(number) for number in sorted({row[name] for row in rows}))


@dataclass(frozen=True)
class Curve:
    """The metric against steps of one initialization with one update rule."""

    init: str
    label: str
    steps: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float | None, ...]


@dataclass(frozen=True)
class Panel:
    """The curves that share one pair of axes."""

    title: str
    curves: tuple[Curve, ...]


def order(row: Row) -> tuple[Any, ...]:
    """Returns the sort key of a row: views, initialization, rule, steps."""
    return (
        row.get("views") or 0,
        rank(row["init"], INITS),
        rank(row["rule"], RULES),
        row["steps"],
    )


def panels(rows: Iterable[Row]) -> tuple[Panel, ...]:
    """Groups rows into one panel for each number of views and update rule.

    An initialization has one style, so rules are told apart by their panels. The step size
    of a curve may differ between numbers of steps. Values that are missing or not finite are
    skipped, without a gap in the curve.

    Raises:
        ValueError: Two rows describe the same point.
    """
    groups: dict[tuple[Any, str], list[Row]] = {}
    for row in sorted(check(rows), key=order):
        groups.setdefault((row.get("views"), row["rule"]), []).append(row)
    several = len({views for views, _ in groups}) > 1
    return tuple(
        Panel(_panel_title(views, rule, several), tuple(_curves(group)))
        for (views, rule), group in sorted(
            groups.items(), key=lambda item: (item[0][0] or 0, rank(item[0][1], RULES))
        )
    )


def check(rows: Iterable[Row]) -> list[Row]:
    """Returns the rows after checking that keys are complete and points are unique.

    Raises:
        ValueError: A key is missing, or two rows describe the same point.
    """
    rows = list(rows)
    seen = set()
    for row in rows:
        missing = {"init", "rule", "steps", f"{metric(row)}_mean"} - set(row)
        if missing:
            raise ValueError(f"a row lacks {sorted(missing)}; it has {sorted(row)}")
        point = (row.get("views"), row["init"], row["rule"], row["steps"])
        if point in seen:
            raise ValueError(
                f"two rows for (views, init, rule, steps) = {point}: "
                "average them, or pass one group of rows at a time"
            )
        seen.add(point)
    return rows


def finite(value: Any) -> bool:
    """Returns whether a value is a finite number."""
    return value is not None and math.isfinite(value)


def position(step: int | float) -> float:
    """Maps a step to an axis that is linear up to 1 and logarithmic beyond, to include 0."""
    return float(step) if step <= 1 else 1 + 1.5 * math.log10(step)


def ticks(last: int, sparse: bool = False) -> list[int]:
    """Returns the steps to label on an axis from 0 to `last`: 1, 2, 5, …, or powers of ten."""
    factors = (1,) if sparse or last > 1000 else (1, 2, 5)
    powers = range(len(str(max(last, 1))))
    return [0, *(f * 10**p for p in powers for f in factors if f * 10**p <= last)]


def spread(
    centres: Sequence[float], gap: int | float, low: int | float, high: int | float
) -> list[float]:
    """Moves labels apart, by at least `gap`, within [low, high] if they fit.

    Args:
        centres: Preferred position of each label.
        gap: Least distance between neighbours, in the same unit.
        low: Lower limit.
        high: Upper limit.

    Returns:
        A position for each label, in the order given; neighbours keep their order.
    """
    ranked = sorted(range(len(centres)), key=lambda i: centres[i])
    wanted = [float(centres[i]) for i in ranked]
    # Pushing up and pushing down both keep the distances; their mean does so without bias.
    up = _push(wanted, gap, -math.inf)
    down = [-y for y in reversed(_push([-y for y in reversed(wanted)], gap, -math.inf))]
    places = _push([(a + b) / 2 for a, b in zip(up, down, strict=True)], gap, low)
    places = [-y for y in reversed(_push([-y for y in reversed(places)], gap, -high))]
    return [places[ranked.index(i)] for i in range(len(ranked))]


def _push(places: Sequence[float], gap: int | float, low: int | float) -> list[float]:
    """Moves ascending positions up until they are at least `low`, and `gap` apart."""
    pushed: list[float] = []
    for place in places:
        pushed.append(float(max(place, pushed[-1] + gap if pushed else low)))
    return pushed


def _curves(rows: Sequence[Row]) -> Iterable[Curve]:
    """Yields the curves of one panel; rows are sorted."""
    by_line: dict[str, list[Row]] = {}
    for row in rows:
        by_line.setdefault(row["init"], []).append(row)
    for init, group in by_line.items():
        group = [row for row in group if finite(mean(row))]
        if group:
            yield Curve(
                init,
                init,
                tuple(int(row["steps"]) for row in group),
                tuple(float(value) for value in map(mean, group) if value is not None),
                tuple(_deviation(row) for row in group),
            )


def _deviation(row: Row) -> float | None:
    value = row.get(f"{metric(row)}_std")
    return float(value) if finite(value) else None  # pyright: ignore[reportArgumentType]


def _panel_title(views: int | None, rule: str, several: bool) -> str:
    """Returns the title of a panel, with its number of views if the figure has several."""
    names = {
        "sgd": "SGD",
        "adam": "Adam",
        "learned": "learned step sizes",
        "learned+adam": "learned step sizes, then Adam",
    }
    name = names.get(rule, rule)
    if views is None or not several:
        return name
    return f"{views} {'view' if views == 1 else 'views'}, {name}"


def rank(name: str, names: tuple[str, ...]) -> tuple[int, str]:
    """Ranks a name: known names in their order, then others alphabetically."""
    return (names.index(name), "") if name in names else (len(names), name)
