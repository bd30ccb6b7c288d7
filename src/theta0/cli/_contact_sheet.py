"""An object from all sides: what was fitted, what judges it, and what the fit shows there."""

import numpy as np
from jaxtyping import Float

from theta0.metrics import psnr
from theta0.report import picture_grid
from theta0.tasks import Signal

_ACROSS = 8


def contact_sheet(
    signal: Signal, shown: Float[np.ndarray, "pictures side side 3"], max_bytes: int = 1_000_000
) -> bytes:
    """Rows of pictures as a PNG file: input views, then held-out ones over the fit of each.

    Of many views some are shown, evenly spaced in their order. Where nothing is held out, new views
    take its place; a photograph of a place judges its own fit.
    """
    assert signal.shots is not None
    inputs, target = signal.shots.pictures, signal.target
    rows: list[tuple[str, np.ndarray, list[str] | None]]
    rows = [("input", inputs[_spread(len(inputs))], None)]
    chosen = _spread(len(shown))
    if target is None:
        rows.append(("new views", shown[chosen], None))
    else:
        pairs = list(zip(shown[chosen], signal.pictures(target)[chosen], strict=True))
        told = [f"{psnr(*pair):.1f} dB" for pair in pairs]
        if signal.shots.standpoint is None:
            rows.append(("held out", np.stack([truth for _, truth in pairs]), None))
        rows.append(("fitted", shown[chosen], told))
    width = max(len(pictures) for _, pictures, _ in rows)
    filled = lambda cells: [*cells, *[None] * (width - len(cells))]
    return picture_grid(
        [filled(list(pictures)) for _, pictures, _ in rows],
        [label for label, _, _ in rows],
        [""] * width,
        [filled(captions or []) for _, _, captions in rows],
        max_bytes,
    )


def _spread(count: int) -> list[int]:
    """At most so many numbers as stand in a row."""
    return np.unique(np.linspace(0, count - 1, min(count, _ACROSS)).round().astype(int)).tolist()
