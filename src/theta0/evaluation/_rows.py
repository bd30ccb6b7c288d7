"""Rows of results: what was fitted, by which rule, and how good it became."""

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
from jaxtyping import Float

from theta0.metrics import Metric


class Row(TypedDict, total=False):
    """One initialization, fitted by one rule for a number of steps, over all test signals.

    Where the metric of the signals is not PSNR, the keys that begin or end with ``psnr`` have its
    name instead, which stands under ``metric``. Tables of the paper add what tells their rows
    apart (``train_class``, ``test_class``, ``scene``, ``protocol``, ...).
    """

    init: str
    """name of the initialization, with what was added: ``learned+tv``"""
    rule: str
    """kind of update rule: ``adam``, ``learned``, ``learned+adam``"""
    lr: float
    """its step size, if it has one alone"""
    settings: str
    """its settings, if they are others"""
    w0: float
    tv: float
    huber: float
    proximal: float
    samples: int
    flip: bool
    views: int
    steps: int
    psnr_mean: float
    """dB, over test signals"""
    psnr_std: float | None
    psnr: list[float]
    """of each signal"""
    ssim_mean: float
    n: int
    """test signals"""
    validation_psnr: float
    """mean over the validation signals that chose the settings"""
    seconds: float
    """of one fit up to that step"""
    metric: str
    """name of the metric in the keys, if it is not psnr"""
    metric_label: str
    """what it is called on an axis"""


Rows = list[dict[str, Any]]
"""Rows as they are written to JSON: :class:`Row` and what a table adds."""


def metric_of(row: dict[str, Any]) -> str:
    """Name of the metric of a row."""
    return row.get("metric", "psnr")


def rule_label(row: dict[str, Any]) -> str:
    """The update rule of a row in words: ``adam 0.001``, ``step-sizes:lr=0.1,per=weight``."""
    before, plus, kind = row["rule"].rpartition("+")
    settings = row.get("settings", "")
    if settings.partition(":")[0] == kind:
        return before + plus + settings
    return " ".join([row["rule"], *([f"{row['lr']:g}"] if "lr" in row else [])])


def best(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The row that did best on validation signals."""
    return max(rows, key=lambda row: row[f"validation_{metric_of(row)}"])


def best_rows(rows: Rows, by: Sequence[str]) -> Rows:
    """Of rows that are alike in every key of ``by`` the one that did best on validation signals."""
    groups: dict[tuple[Any, ...], Rows] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in by), []).append(row)
    return [best(group) for group in groups.values()]


def statistics(values: Float[np.ndarray, "signals numbers"], metric: Metric) -> dict[str, Any]:
    """Those of a row, from the metric of each signal and, if there is one, its SSIM.

    SSIM is left out of pictures too small for it.
    """
    scores, name = values[:, 0], metric.name
    row = {
        f"{name}_mean": float(scores.mean()),
        f"{name}_std": float(scores.std(ddof=1)) if len(scores) > 1 else None,
        name: [round(float(value), 3) for value in scores],
        "n": len(scores),
        **({} if name == "psnr" else {"metric": name, "metric_label": metric.axis}),
    }
    if values.shape[1] < 2 or np.isnan(values[:, 1]).any():
        return row
    return {**row, "ssim_mean": float(values[:, 1].mean())}
