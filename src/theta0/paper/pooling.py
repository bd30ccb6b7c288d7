"""Pools rows of several splits of one collection into rows on all their test signals."""

from typing import Any

import numpy as np

from theta0.evaluation import Rows

ALIKE = ("scene", "protocol", "init", "rule", "steps")
"""Rows that agree in these keys are pooled."""
MEANS = ("psnr_mean", "validation_psnr", "seconds", "ssim_mean")


def pooled(rows: Rows) -> Rows:
    """Pool rows of one scene that differ only in their photographs.

    Settings were chosen for each split separately; those that differ are omitted.
    """
    groups: dict[tuple[Any, ...], Rows] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in ALIKE), []).append(row)
    return [group[0] if len(group) == 1 else _pool(group) for group in groups.values()]


def _pool(group: Rows) -> dict[str, Any]:
    same = {
        name: value
        for name, value in group[0].items()
        if all(row.get(name) == value for row in group)
    }
    weights = [row["n"] for row in group]
    mean = lambda name: float(np.average([row[name] for row in group], weights=weights))
    psnrs = [psnr for row in group for psnr in row["psnr"]]
    return {
        **same,
        **{name: mean(name) for name in MEANS if all(name in row for row in group)},
        "psnr": psnrs,
        "psnr_std": float(np.std(psnrs, ddof=1)),
        "n": len(psnrs),
    }
