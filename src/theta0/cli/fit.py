"""``theta0 fit``: fit one picture or CT slice from an initialization."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import tyro

from theta0.errors import InputError
from theta0.evaluate import predict
from theta0.files import write_bytes, write_json
from theta0.fit import Fit, OptimizerName, fit
from theta0.forward import Points, check_shapes
from theta0.inits import Initialization, find
from theta0.metrics import psnr, ssim
from theta0.report import strip
from theta0.tasks import Signal, pixel_coordinates

from ._common import parse, progress_bar, require_folder, say

EXAMPLES = """Fit one picture or CT slice from a learned start, and write the reconstruction at its
own size, the fitted weights, PSNR and SSIM by step, and a strip of pictures.

examples:
  theta0 fit faces photo.jpg
  theta0 fit faces photo.jpg --steps 2 --size 512
  theta0 fit phantoms slice.npy --views 8 --steps 200 --optimizer adam --lr 1e-3
  theta0 fit runs/ct/cpu scans.npz --index 12 --views 16
"""

SNAPSHOTS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000)
LARGEST_SIZE = 8192


@dataclass
class FitArguments:
    """Arguments of ``theta0 fit``."""

    init: tyro.conf.Positional[str]
    """run folder, .safetensors file, or name of a shipped initialization"""
    signal: tyro.conf.Positional[Path]
    """picture, or CT slice (.npz, .npy, DICOM file or folder, grey picture)"""
    steps: int = 50
    """gradient steps"""
    optimizer: OptimizerName | None = None
    """sgd or adam; what the start was learned for when left out (adam: give --lr too)"""
    lr: float | None = None
    """step size; what the start was learned for when left out"""
    batch: int | None = None
    """observations a step; what the start was learned for when left out"""
    views: int | None = None
    """views of a CT slice, evenly spaced over half a turn"""
    index: int = 0
    """which slice of a stack"""
    size: int | None = None
    """also render at this many pixels a side"""
    seconds: float | None = None
    """stop after this much time"""
    seed: int = 0
    """of random batches and samples"""
    out: Path | None = None
    """folder for the results; fits/SIGNAL when left out"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(FitArguments, argv, "fit", description=EXAMPLES)
    if arguments.size is not None and not 2 <= arguments.size <= LARGEST_SIZE:
        raise InputError(f"--size {arguments.size}: give 2 to {LARGEST_SIZE} pixels")
    if arguments.seconds is not None and not arguments.seconds > 0:
        raise InputError(f"--seconds {arguments.seconds}: give a time above 0")
    # The resolved name, for a folder given as "." has none.
    out = arguments.out or Path("fits") / arguments.signal.resolve().stem
    require_folder(out)
    initialization = find(arguments.init)
    loop = _loop(initialization, arguments)
    loop.build()
    data = initialization.description.data
    signal = data.read(arguments.signal, arguments.views, arguments.index)
    support, forward = signal.task.support, initialization.description.forward
    check_shapes(forward, initialization.description.field, support.p, support.y)
    steps = tuple(step for step in (*SNAPSHOTS, loop.steps) if step <= loop.steps)
    with progress_bar(loop.steps) as update:
        result = fit(
            forward,
            initialization.field,
            support,
            loop.build(),
            jax.random.PRNGKey(arguments.seed),
            tuple(dict.fromkeys(steps)),
            arguments.seconds,
            lambda done, loss: update(done, f"loss {loss:.2e}"),
        )
    rows = _write(out, initialization, loop, signal, result, arguments.size)
    final = rows[-1]
    counted = f"{final['steps']} step{'' if final['steps'] == 1 else 's'}"
    say(
        f"{arguments.signal.name}: {final['psnr']:.2f} dB, SSIM {final['ssim']:.3f} after "
        f"{counted} of {loop.optimizer} {loop.lr:g} in {result.seconds:.1f} s"
    )
    say(f"reconstruction, weights, strip and table: {out}")
    return {
        "out": str(out),
        "optimizer": loop.optimizer,
        "lr": loop.lr,
        "steps": rows,
        "seconds": round(result.seconds, 2),
    }


def _loop(initialization: Initialization, arguments: FitArguments):
    inner = initialization.description.inner
    if arguments.optimizer not in (None, inner.optimizer) and arguments.lr is None:
        raise InputError(
            f"--optimizer {arguments.optimizer}: the start was learned for {inner.optimizer} with "
            f"step size {inner.lr:g}, which does not carry over; give --lr too (adam: 1e-4 to 1e-3)"
        )
    given = {
        name: getattr(arguments, name)
        for name in ("optimizer", "lr", "batch")
        if getattr(arguments, name) is not None
    }
    return replace(inner, steps=arguments.steps, **given)


def render(field, side: int, pixel_offset: float) -> np.ndarray:
    """The field as a square picture of ``side`` pixels, float (side side channels)."""
    rows = max(1, 2**18 // side)
    points = pixel_coordinates(side, side, pixel_offset).reshape(side, side, 2)
    parts = [
        np.asarray(predict(Points(), field, points[i : i + rows].reshape(-1, 2)))
        for i in range(0, side, rows)
    ]
    return np.concatenate(parts).reshape(side, side, -1)


def _png(picture: np.ndarray) -> bytes:
    import io

    from PIL import Image

    pixels = np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _write(
    out: Path,
    initialization: Initialization,
    loop,
    signal: Signal,
    result: Fit,
    size: int | None,
) -> list[dict[str, Any]]:
    """Write everything a fit leaves; returns PSNR and SSIM by step."""
    square = lambda values: np.asarray(values).reshape(signal.side, signal.side, -1)
    target = square(signal.task.query.y)
    kept = {**result.snapshots, len(result.losses): result.field}
    pictures, rows = [], []
    for step, field in sorted(kept.items()):
        picture = square(predict(signal.query_forward, field, signal.task.query.p))
        pictures.append(picture)
        rows.append(
            {
                "steps": step,
                "psnr": round(psnr(picture, target), 3),
                "ssim": round(ssim(picture, target), 4),
            }
        )
    field = result.field
    write_bytes(
        out / "reconstruction.png", _png(render(field, signal.own_side, signal.pixel_offset))
    )
    if size is not None:
        rendered = render(field, size, signal.pixel_offset)
        write_bytes(out / f"reconstruction-{size}.png", _png(rendered))
    counted = lambda steps: f"{steps} step{'' if steps == 1 else 's'}"
    labels = [f"{counted(row['steps'])}, {row['psnr']:.1f} dB" for row in rows]
    write_bytes(out / "strip.png", strip([*pictures, target], [*labels, "target"]))
    description = replace(initialization.description, inner=loop)
    Initialization(field, description).save(out / "fitted.safetensors")
    losses = [float(loss) for loss in result.losses]
    write_json(out / "results.json", {"steps": rows, "losses": losses})
    return rows
