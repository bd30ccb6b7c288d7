"""View synthesis: the table by class of objects, and unseen views beside their predictions."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from theta0.metrics import psnr

from . import series
from .pictures import picture_grid
from .tables import Table

Pictures = Sequence[Float[np.ndarray, "_ _ 3"]]


def objects_table(rows: Sequence[series.Row]) -> Table:
    """Table 4: PSNR and SSIM on unseen views, a row for each class, start and optimizer.

    Args:
        rows: the best number of steps of each: ``class``, ``views``, ``init``, ``optimizer``,
            ``lr``, ``steps``, ``psnr_mean``, ``psnr_std``, ``ssim_mean``, ``n``.
    """
    counts = series.numbers(rows, "n")
    given = series.numbers(rows, "views")
    return Table(
        title=f"View synthesis from {given} view{'' if given == '1' else 's'}: PSNR in dB and SSIM",
        columns=("class", "init", "optimizer", "lr", "steps", "PSNR", "±", "SSIM"),
        rows=[
            (
                row["class"], row["init"], row["optimizer"], f"{row['lr']:g}", row["steps"],
                row["psnr_mean"], series.standard_error(row), row.get("ssim_mean"),
            )
            for row in rows
        ],
        notes=(
            f"Mean over {counts} test objects of a class, of the means over their unseen views; ±: "
            "its standard error. Step size and number of steps are chosen on validation objects. "
            "mv: learned from many views of each object; sv: from one.",
        ),
        higher=("PSNR", "SSIM"),
        within="class",
    )  # fmt: skip


def novel_views(inputs: Pictures, targets: Pictures, predictions: Mapping[str, Pictures]) -> bytes:
    """What was fitted, what was not, and each start's predictions of it; a PNG file.

    Several views have a row for each start; a single one, or half of a photograph, is one row.
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
