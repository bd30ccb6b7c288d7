"""Turns rows of results into curves: what belongs together, in which order, in which colour.

A row is a plain dict, one for each initialization, optimizer and number of steps:
`init, optimizer, lr, steps, psnr_mean` and, where known, `psnr_std, n, seconds, views, ssim_mean`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

INITS = ("learned", "standard", "mean", "matched", "shuffled")
OPTIMIZERS = ("learned", "learned-adam", "sgd", "adam")


@dataclass(frozen=True)
class Style:
    """How one initialization looks in every figure of the project."""

    colour: str
    marker: str  # matplotlib's letter; `svg` draws the same shape
    dashes: tuple[int | float, ...]  # on, off, … in line widths; empty is a solid line


# Okabe and Ito's palette (Color Universal Design, 2008): distinct under every kind of colour
# blindness; marker and dashes say the same again in grey. All have contrast 3 on black and white
# but the lighter two, which are the spares.
_STYLES = {
    "learned": Style("#d55e00", "o", ()),
    "standard": Style("#7a7a7a", "s", (5, 2)),
    "mean": Style("#009e73", "^", (1, 1.5)),
    "matched": Style("#0072b2", "D", (6, 2, 1, 2)),
    "shuffled": Style("#cc79a7", "v", (3, 1.5)),
    # CT without a network.
    "tv": Style("#56b4e9", "X", ()),
    "sart": Style("#e69f00", "P", ()),
    "fbp": Style("#202124", "d", ()),
}
_ADDED = {
    "tv": ("X", (2, 1)),
    "huber": ("P", (2, 1)),
    "mask": ("X", (1, 1)),
    "mirrored": ("h", (3, 1)),
}
"""Marker and dashes of what is added to an initialization, which keeps its colour."""
_SPARE = (Style("#e69f00", "P", (8, 2)), Style("#56b4e9", "X", (2, 2, 6, 2)))


def style(init: str) -> Style:
    """Returns the look of an initialization; an unknown one gets a spare look by its name."""
    plain, _, added = init.partition("+")
    look = _STYLES.get(plain) or _SPARE[sum(plain.encode()) % len(_SPARE)]
    return Style(look.colour, *_ADDED[added]) if added in _ADDED else look


def standard_error(row: Row) -> float | None:
    """Returns that of a row's mean PSNR in dB; None of a single signal."""
    deviation = row["psnr_std"]
    return None if row["n"] < 2 or deviation is None else deviation / math.sqrt(row["n"])


def numbers(rows: Iterable[Row], name: str) -> str:
    """Returns the different numbers in a column of rows, such as "2" or "2 or 3"."""
    return " or ".join(str(number) for number in sorted({row[name] for row in rows}))


@dataclass(frozen=True)
class Curve:
    """PSNR against steps of one initialization under one optimizer and step size."""

    init: str
    label: str
    steps: tuple[int, ...]
    mean: tuple[float, ...]  # dB
    std: tuple[float | None, ...]  # dB


@dataclass(frozen=True)
class Panel:
    """The curves that share one pair of axes."""

    title: str
    curves: tuple[Curve, ...]


def order(row: Row) -> tuple[Any, ...]:
    """Returns the key that sorts rows: views, initialization, optimizer, steps."""
    return (
        row.get("views") or 0,
        _place(row["init"], INITS),
        _place(row["optimizer"], OPTIMIZERS),
        row["steps"],
    )


def panels(rows: Iterable[Row]) -> tuple[Panel, ...]:
    """Groups rows into one panel for each number of views and optimizer.

    An initialization has one look, so the optimizer must be told by something else: its panel.
    A curve may use a step size of its own at each number of steps. A value that is missing or
    not finite leaves a gap in no curve: it is left out.

    Raises:
        ValueError: Two rows say different things about the same point.
    """
    groups: dict[tuple[Any, str], list[Row]] = {}
    for row in sorted(check(rows), key=order):
        groups.setdefault((row.get("views"), row["optimizer"]), []).append(row)
    several = len({views for views, _ in groups}) > 1
    return tuple(
        Panel(_panel_title(views, optimizer, several), tuple(_curves(group)))
        for (views, optimizer), group in sorted(
            groups.items(), key=lambda item: (item[0][0] or 0, _place(item[0][1], OPTIMIZERS))
        )
    )


def check(rows: Iterable[Row]) -> list[Row]:
    """Returns the rows, each with the needed keys and each point only once.

    Raises:
        ValueError: A key is missing, or two rows describe the same point.
    """
    rows = list(rows)
    seen = set()
    for row in rows:
        missing = {"init", "optimizer", "lr", "steps", "psnr_mean"} - set(row)
        if missing:
            raise ValueError(f"a row lacks {sorted(missing)}; it has {sorted(row)}")
        point = (row.get("views"), row["init"], row["optimizer"], row["steps"])
        if point in seen:
            raise ValueError(
                f"two rows for (views, init, optimizer, steps) = {point}: "
                "average them, or pass one group of rows at a time"
            )
        seen.add(point)
    return rows


def finite(value: Any) -> bool:
    """Whether a value is a number that can be drawn."""
    return value is not None and math.isfinite(value)


def position(step: int | float) -> float:
    """Places a step on an axis that is linear up to 1 and logarithmic beyond, so that 0 shows."""
    return float(step) if step <= 1 else 1 + 1.5 * math.log10(step)


def ticks(last: int, sparse: bool = False) -> list[int]:
    """Returns the steps to label on an axis from 0 to `last`: 1, 2, 5, …, or powers of ten."""
    factors = (1,) if sparse or last > 1000 else (1, 2, 5)
    powers = range(len(str(max(last, 1))))
    return [0, *(f * 10**p for p in powers for f in factors if f * 10**p <= last)]


def spread(
    centres: Sequence[float], gap: int | float, low: int | float, high: int | float
) -> list[float]:
    """Moves labels apart: at least `gap` from one to the next, inside [low, high] if they fit.

    Args:
        centres: Where each label would like to be.
        gap: Least distance between neighbours, in the same unit.
        low: Least allowed place.
        high: Greatest allowed place.

    Returns:
        A place for each label, in the order given; neighbours keep their order.
    """
    ranked = sorted(range(len(centres)), key=lambda i: centres[i])
    wanted = [float(centres[i]) for i in ranked]
    # Pushing only up or only down keeps the distances; so does the mean of both, without a bias.
    up = _push(wanted, gap, -math.inf)
    down = [-y for y in reversed(_push([-y for y in reversed(wanted)], gap, -math.inf))]
    places = _push([(a + b) / 2 for a, b in zip(up, down, strict=True)], gap, low)
    places = [-y for y in reversed(_push([-y for y in reversed(places)], gap, -high))]
    return [places[ranked.index(i)] for i in range(len(ranked))]


def _push(places: Sequence[float], gap: int | float, low: int | float) -> list[float]:
    """Moves ascending places up until they are at least `low`, and `gap` from one to the next."""
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
        group = [row for row in group if finite(row["psnr_mean"])]
        if group:
            yield Curve(
                init,
                init,
                tuple(int(row["steps"]) for row in group),
                tuple(float(row["psnr_mean"]) for row in group),
                tuple(
                    float(row["psnr_std"]) if finite(row.get("psnr_std")) else None for row in group
                ),
            )


def _panel_title(views: int | None, optimizer: str, several: bool) -> str:
    """Names a panel, with its number of views if the figure has several."""
    names = {
        "sgd": "SGD",
        "adam": "Adam",
        "learned": "learned step sizes",
        "learned-adam": "learned step sizes, then Adam",
    }
    name = names.get(optimizer, optimizer)
    if views is None or not several:
        return name
    return f"{views} {'view' if views == 1 else 'views'}, {name}"


def _place(name: str, names: tuple[str, ...]) -> tuple[int, str]:
    """Ranks a name: known ones in their order, then the others by the alphabet."""
    return (names.index(name), "") if name in names else (len(names), name)
