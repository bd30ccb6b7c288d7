"""View synthesis: PSNR and SSIM by class of objects, and novel views beside the true ones."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from theta0.metrics import psnr

from . import series
from .pictures import picture_grid
from .tables import Table

Pictures = Sequence[Float[np.ndarray, "_ _ 3"]]


def objects_table(rows: Sequence[series.Row]) -> Table:
    """Table 4: PSNR and SSIM on novel views, by class, initialization and update rule.

    Args:
        rows: The best number of steps of each: ``class``, ``views``, ``init``, ``rule``,
            ``lr``, ``steps``, ``psnr_mean``, ``psnr_std``, ``ssim_mean``, ``n``.
    """
    counts = series.numbers(rows, "n")
    views = series.numbers(rows, "views")
    return Table(
        title=f"View synthesis from {views} view{'' if views == '1' else 's'}: PSNR in dB and SSIM",
        columns=("class", "init", "rule", "lr", "steps", "PSNR", "±", "SSIM"),
        rows=[
            (
                row["class"], row["init"], row["rule"], series.step_size(row), row["steps"],
                row["psnr_mean"], series.standard_error(row), row.get("ssim_mean"),
            )
            for row in rows
        ],
        notes=(
            f"Mean over {counts} test objects of a class; the value of an object is the mean over "
            "its novel views. ±: standard error of the mean. The step size and the number of steps "
            "are chosen on validation objects. mv: meta-learned from many views of each object; "
            "sv: from a single view.",
        ),
        higher=("PSNR", "SSIM"),
        within="class",
    )  # fmt: skip


def novel_views_grid(
    inputs: Pictures, targets: Pictures, predictions: Mapping[str, Pictures]
) -> bytes:
    """Draws the first input, the true novel views, and the predictions from each initialization.

    With several novel views, each initialization has a row; a single one, or the half of a
    photograph, makes a single row.

    Args:
        inputs: Views that were fitted.
        targets: Views that were not.
        predictions: By initialization, one for each target.

    Returns:
        A PNG file, with the PSNR of each prediction below it.
    """
    if len(targets) == 1:
        shown = [np.clip(view, 0, 1) for (view,) in predictions.values()]
        quality = [f"{psnr(view, targets[0]):.1f} dB" for view in shown]
        labels = ["input", "target", *predictions]
        return picture_grid(
            [[inputs[0], targets[0], *shown]], [""], labels, [[None, None, *quality]]
        )
    rows: list[list[Float[np.ndarray, "_ _ 3"] | None]] = [[inputs[0], *targets]]
    captions: list[list[str | None]] = [[None] * (len(targets) + 1)]
    for views in predictions.values():
        rows.append([None, *(np.clip(view, 0, 1) for view in views)])
        pairs = zip(views, targets, strict=True)
        captions.append([None, *(f"{psnr(view, target):.1f} dB" for view, target in pairs)])
    columns = ["input", *[f"view {number}" for number in range(1, len(targets) + 1)]]
    return picture_grid(rows, ["target", *predictions], columns, captions)
