"""Tourist photographs: the table by scene, and a place in one light after another."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from . import series
from .pictures import picture_grid
from .tables import Table

Pictures = Sequence[Float[np.ndarray, "height width 3"]]


def scenes_table(rows: Sequence[series.Row]) -> Table:
    """Table 5: PSNR and SSIM on what was not fitted of a photograph.

    Args:
        rows: the best number of steps of each: ``scene``, ``protocol``, ``init``, ``optimizer``,
            ``lr`` if it is one, ``steps``, ``psnr_mean``, ``psnr_std``, ``ssim_mean``, ``n``.
    """
    counts = series.numbers(rows, "n")
    return Table(
        title="Photographs of a place: PSNR in dB and SSIM",
        columns=("scene", "init", "optimizer", "lr", "steps", "PSNR", "±", "SSIM"),
        rows=[
            (
                f"{row['scene']}, {row['protocol']}", row["init"], row["optimizer"],
                f"{row['lr']:g}" if "lr" in row else "varies", row["steps"], row["psnr_mean"],
                series.standard_error(row), row.get("ssim_mean"),
            )
            for row in rows
        ],
        notes=(
            f"Mean over {counts} test photographs; ±: its standard error. Step size and number of "
            "steps are chosen on validation photographs.",
            "right-half: the left half is fitted, the right half judges. other-views: a whole "
            "photograph is fitted; the place in its light from elsewhere, without people, judges.",
            "meta: learned for many inner steps; standard: for one, which is joint training; "
            "random: fresh weights; +huber: fitted with a robust loss; +mask: people left out.",
        ),
        higher=("PSNR", "SSIM"),
        within="scene",
    )  # fmt: skip


def looks_grid(taken: Pictures, inputs: Pictures, views: Sequence[Pictures]) -> bytes:
    """Photographs in rows, standpoints in columns; a PNG file.

    Args:
        taken: what was photographed from each standpoint, in a light of its own.
        inputs: the photographs that were fitted.
        views: for each of them what its fit shows from every standpoint.
    """
    rows: list[list[Float[np.ndarray, "height width 3"] | None]] = [[None, *taken]]
    for photo, seen in zip(inputs, views, strict=True):
        rows.append([photo, *(np.clip(view, 0, 1) for view in seen)])
    labels = ["as taken", *[f"photograph {number}" for number in range(1, len(inputs) + 1)]]
    columns = ["fitted", *[f"standpoint {number}" for number in range(1, len(taken) + 1)]]
    return picture_grid(rows, labels, columns)
