"""Tourist photographs: PSNR and SSIM by scene, and appearance transfer as a grid of pictures."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from . import series
from .pictures import picture_grid
from .tables import Table

Pictures = Sequence[Float[np.ndarray, "height width 3"]]


def scenes_table(rows: Sequence[series.Row]) -> Table:
    """Table 5: PSNR and SSIM on photographs and parts of photographs that were not fitted.

    Args:
        rows: One for each scene, protocol, initialization and update rule, at its best number of
            steps: ``scene``, ``protocol``, ``init``, ``rule``, ``lr`` unless several were
            used, ``steps``, ``psnr_mean``, ``psnr_std``, ``ssim_mean``, ``n``.
    """
    counts = series.numbers(rows, "n")
    return Table(
        title="Tourist photographs: PSNR in dB and SSIM",
        columns=("scene", "init", "rule", "lr", "steps", "PSNR", "±", "SSIM"),
        rows=[
            (
                f"{row['scene']}, {row['protocol']}", row["init"], row["rule"], _step_size(row),
                row["steps"], row["psnr_mean"],
                series.standard_error(row), row.get("ssim_mean"),
            )
            for row in rows
        ],
        notes=(
            f"Mean over {counts} test photographs; ±: standard error of the mean. The step size "
            "and the number of steps are chosen on validation photographs.",
            "right-half: fitted to the left half of a photograph, evaluated on the right half. "
            "other-views: fitted to a whole photograph, evaluated on novel views of the scene in "
            "the same light, free of transient occluders.",
            "meta: meta-learned with many inner steps; standard: with a single one, which is "
            "joint training; random: random weights; +huber: fitted with the Huber loss, robust "
            "to transient occluders; +mask: fitted with the occlusion mask.",
        ),
        higher=("PSNR", "SSIM"),
        within="scene",
    )  # fmt: skip


def _step_size(row: series.Row) -> str:
    """Returns the step size of a row in words; splits of one collection may use several."""
    return series.step_size(row) or ("" if row["rule"] == "learned" else "varies")


def appearance_transfer_grid(
    photographs: Pictures, inputs: Pictures, renderings: Sequence[Pictures]
) -> bytes:
    """Draws the scene with the appearance of each input (rows), from each pose (columns).

    Args:
        photographs: The photograph taken at each pose, with its own appearance.
        inputs: The photographs that were fitted.
        renderings: For each input, its fit rendered from every pose.

    Returns:
        A PNG file.
    """
    rows: list[list[Float[np.ndarray, "height width 3"] | None]] = [[None, *photographs]]
    for photograph, views in zip(inputs, renderings, strict=True):
        rows.append([photograph, *(np.clip(view, 0, 1) for view in views)])
    labels = ["photographs", *[f"appearance {number}" for number in range(1, len(inputs) + 1)]]
    columns = ["fitted", *[f"pose {number}" for number in range(1, len(photographs) + 1)]]
    return picture_grid(rows, labels, columns)
