"""What ``theta0 fit`` leaves behind: pictures, weights, and rows by start and step."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from theta0.fields import Field
from theta0.files import write_bytes, write_json
from theta0.inits import Initialization
from theta0.reconstruct import (
    WHOLE,
    Region,
    SignalFit,
    native_size,
    observed_picture,
    render,
    render_values,
)
from theta0.report import picture_grid
from theta0.tasks import DataConfig, PhotoConfig, Signal, ViewConfig

from ._contact_sheet import contact_sheet


def in_words(done: SignalFit) -> str:
    """How good a fit became, and by what."""
    final = done.rows[-1]
    how = (
        f"after {_counted(final['steps'])} of {done.loop.optimizer} {done.loop.lr:g} "
        f"in {done.result.seconds:.1f} s"
    )
    if "psnr" not in final:
        return f"loss {final['loss']:.2e} on the measurements {how}"
    unseen = final.get("psnr_unseen", float("nan"))
    beside = "" if np.isnan(unseen) else f" ({unseen:.2f} dB on unseen pixels)"
    return f"{final['psnr']:.2f} dB{beside}, SSIM {final['ssim']:.3f} {how}"


def _counted(steps: int) -> str:
    return f"{steps} step{'' if steps == 1 else 's'}"


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def write_fits(
    out: Path,
    initialization: Initialization,
    signal: Signal,
    fits: list[SignalFit],
    size: int | None,
    region: Region | None,
) -> None:
    """Write everything fits leave: the reconstructions and weights are those of the first."""
    first = fits[0]
    if signal.shots is not None:
        write_bytes(out / "reconstruction.png", contact_sheet(signal, first.pictures[-1]))
    else:
        _write_squares(out, signal, first, size, region)
    write_bytes(out / "strip.png", _grid(signal, fits))
    field: Field = first.result.field
    config = getattr(field, "config")  # noqa: B009
    description = replace(
        initialization.description, field=config, inner=first.loop,
        data=_with_camera(initialization, signal),
    )  # fmt: skip
    Initialization(field, description).save(out / "fitted.safetensors")
    results: dict[str, Any] = {
        "steps": [row for done in fits for row in done.rows],
        "losses": [float(loss) for loss in first.result.losses],
    }
    if signal.seen is not None:
        results |= {"seen": int(signal.seen.sum()), "pixels": len(signal.seen)}
    write_json(out / "results.json", results)


def _write_squares(
    out: Path, signal: Signal, done: SignalFit, size: int | None, region: Region | None
) -> None:
    """A field that is a picture itself, at its own size and as it was asked for."""
    side = signal.own_side
    pictures = {"reconstruction.png": (side, WHOLE)}
    if region is not None:
        pictures["region.png"] = (size or native_size(region, side), region)
    elif size is not None:
        pictures[f"reconstruction-{size}.png"] = (size, WHOLE)
    how = signal.pixel_offset, signal.disc_only
    for name, (pixels, shown) in pictures.items():
        rendered = render(done.result.field, pixels, shown, *how)
        write_bytes(out / name, _png(rendered))


def _with_camera(initialization: Initialization, signal: Signal) -> DataConfig:
    """The data settings; of an object with the camera it was seen by, to render it again.

    Views from within the bounding sphere are fitted as others are, but new ones stay outside, where
    all of it can be seen: their camera is then that of the start.
    """
    data, shots = initialization.description.data, signal.shots
    if isinstance(data, PhotoConfig) and shots is not None:
        return replace(data, standpoint=shots.standpoint)
    if isinstance(data, ViewConfig) and shots is not None and shots.distance > data.radius:
        return replace(data, distance=shots.distance, fov_deg=shots.fov_deg)
    return data


def stack_in_words(fits: list[SignalFit]) -> str:
    """How good the fits of a stack became."""
    last = [done.rows[-1] for done in fits]
    key, what = ("psnr", "{:.2f} dB") if "psnr" in last[0] else ("loss", "loss {:.2e}")
    mean = what.format(np.mean([row[key] for row in last]))
    return f"{len(fits)} slice{'s' * (len(fits) != 1)}, {mean} in the mean"


def write_stack(out: Path, signals: list[Signal], fits: list[SignalFit]) -> list[dict[str, Any]]:
    """Write the reconstructed volume, a montage of its slices, and a row a slice; returns these."""
    volume = np.stack(
        [
            render_values(
                done.result.field, signal.own_side, signal.pixel_offset, signal.disc_only
            )[..., 0]
            for signal, done in zip(signals, fits, strict=True)
        ]
    )
    buffer = io.BytesIO()
    np.save(buffer, volume, allow_pickle=False)
    write_bytes(out / "volume.npy", buffer.getvalue())
    rows = [{"slice": number, **done.rows[-1]} for number, done in enumerate(fits)]
    write_bytes(out / "montage.png", _montage(volume, rows))
    write_json(out / "results.json", {"slices": rows})
    return rows


_ACROSS = 8
_SHOWN = 64


def _montage(volume: np.ndarray, rows: list[dict[str, Any]]) -> bytes:
    """Slices of a volume, evenly spaced if they are many, with how good each is."""
    chosen = np.unique(np.linspace(0, len(volume) - 1, _SHOWN).round().astype(int)).tolist()
    lines = [chosen[first : first + _ACROSS] for first in range(0, len(chosen), _ACROSS)]
    cells = [line + [None] * (min(_ACROSS, len(chosen)) - len(line)) for line in lines]
    images = [[None if n is None else volume[n] for n in line] for line in cells]
    texts = [[None if n is None else f"{n}: {_told(rows[n])}" for n in line] for line in cells]
    return picture_grid(images, [""] * len(cells), [""] * len(cells[0]), texts)


def _grid(signal: Signal, fits: list[SignalFit]) -> bytes:
    """A row a start: what was seen, the fit by step with how good it is, the target if known.

    Of several pictures the first is shown, with the quality of all.
    """
    target, seen = signal.target, observed_picture(signal)
    # Starts fitted for a time instead of a number of steps may have been caught at others.
    steps = sorted({row["steps"] for done in fits for row in done.rows})
    before = {} if seen is None else {"seen": seen}
    after = {} if target is None else {"target": signal.pictures(target)[0]}
    images, captions, labels = [], [], []
    for done in fits:
        shown = {
            row["steps"]: shown[0] for row, shown in zip(done.rows, done.pictures, strict=True)
        }
        several = "mean " if target is not None and len(done.pictures[0]) > 1 else ""
        told = {row["steps"]: several + _told(row) for row in done.rows}
        images.append([*before.values(), *(shown.get(step) for step in steps), *after.values()])
        captions.append([*(None for _ in before), *map(told.get, steps), *(None for _ in after)])
        labels.append(f"{done.init}, {done.loop.optimizer} {done.loop.lr:g}")
    columns = [*before, *map(_counted, steps), *after]
    rows = labels if len(fits) > 1 else [""]
    return picture_grid(images, rows, columns, captions, max_bytes=400_000 * len(fits))


def _told(row: dict[str, Any]) -> str:
    return f"{row['psnr']:.1f} dB" if "psnr" in row else f"loss {row['loss']:.1e}"
