"""What fits leave behind: what shows them, weights, and rows by initialization and step."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from theta0.evaluation import rule_label
from theta0.fields import config_of
from theta0.files import write_bytes, write_json
from theta0.inits import Description, Initialization
from theta0.inner import InnerConfig, InnerLoop, RuleConfig
from theta0.report import picture_grid
from theta0.signals import Region, Signal

from ._fitting import SignalFit


def in_words(done: SignalFit) -> str:
    """How good a fit became, and by what."""
    final = done.rows[-1]
    how = f"after {_counted(final['steps'])} of {rule_label(final)} in {done.result.seconds:.1f} s"
    if "loss" in final:
        return f"loss {final['loss']:.2e} on the measurements {how}"
    name, value = _headline(final)
    told = f"{value:.2f} dB" if name == "psnr" else f"{name} {value:.4g}"
    unseen = final.get("psnr_unseen", float("nan"))
    beside = "" if np.isnan(unseen) else f" ({unseen:.2f} dB on unseen pixels)"
    similarity = f", SSIM {final['ssim']:.3f}" if "ssim" in final else ""
    return f"{told}{beside}{similarity} {how}"


def _headline(row: dict[str, Any]) -> tuple[str, float]:
    """Name and value of what judges a fit first."""
    about = ("init", "rule", "lr", "settings", "w0", "samples", "flip", "steps", "slice")
    name = next(name for name in row if name not in about)
    return name, row[name]


def _counted(steps: int) -> str:
    return f"{steps} step{'' if steps == 1 else 's'}"


def write_fits(
    out: Path,
    initialization: Initialization,
    signal: Signal,
    loop: InnerLoop,
    fits: list[SignalFit],
    size: int | None = None,
    region: Region | None = None,
) -> None:
    """Write everything fits leave: the reconstructions and weights are those of the first."""
    first, description = fits[0], initialization.description
    for name, content in signal.files(
        first.result.field, description.forward, size, region
    ).items():
        write_bytes(out / name, content)
    write_bytes(out / "strip.png", strip_of(signal, fits))
    fitted_of(initialization, signal, loop, first).save(out / "fitted.safetensors")
    results: dict[str, Any] = {
        "steps": [row for done in fits for row in done.rows],
        "losses": [float(loss) for loss in first.result.losses],
    }
    if (seen := getattr(signal, "seen", None)) is not None:
        results |= {"seen": int(seen.sum()), "pixels": len(seen)}
    write_json(out / "results.json", results)


def fitted_of(
    initialization: Initialization, signal: Signal, loop: InnerLoop, done: SignalFit
) -> Initialization:
    """A fit as an initialization of its own, to be rendered, or fitted further.

    Its rule is that of the fit. The initialization's own, with all that it learned, goes on where
    the fit took its steps too, or took a value or an optax transformation, which no file describes.
    """
    description: Description = initialization.description
    used = done.rule.rule
    kept = not isinstance(used, RuleConfig) or done.rule.after_own
    settings = used if isinstance(used, RuleConfig) and not kept else description.inner.rule
    inner = InnerConfig(settings, max(done.steps, 1), loop.batch, loop.objective, loop.flip)
    field = done.result.field
    rule = initialization.rule if kept else inner.rule_of(field)
    data = signal.settings_of_fit(description.data)
    # What is usual for the class is so from where its fits begin.
    described = replace(description, field=config_of(field), inner=inner, data=data, losses=None)
    return Initialization(field, rule, described)


def stack_in_words(fits: list[SignalFit]) -> str:
    """How good the fits of a stack became."""
    last = [done.rows[-1] for done in fits]
    key, what = ("psnr", "{:.2f} dB") if "psnr" in last[0] else ("loss", "loss {:.2e}")
    mean = what.format(np.mean([row[key] for row in last]))
    return f"{len(fits)} slice{'s' * (len(fits) != 1)}, {mean} in the mean"


def write_stack(out: Path, signals: list[Signal], fits: list[SignalFit]) -> list[dict[str, Any]]:
    """Write the volume, a montage of its slices, and a row per slice; returns the rows."""
    volume = np.stack(
        [
            signal.image(done.result.field)[..., 0]
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


def strip_of(signal: Signal, fits: list[SignalFit]) -> bytes:
    """A row per initialization: what was seen, the fit by step, and the target if it is known.

    Of several pictures the first is shown, with the quality of all.
    """
    target, seen = signal.target, signal.observed_picture
    # Those fitted for a time instead of a number of steps may have been caught at others.
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
        labels.append(f"{done.init}, {rule_label(done.rows[-1])}")
    columns = [*before, *map(_counted, steps), *after]
    rows = labels if len(fits) > 1 else [""]
    return picture_grid(images, rows, columns, captions, max_bytes=400_000 * len(fits))


def _told(row: dict[str, Any]) -> str:
    """How good a fit is, in a caption."""
    if "loss" in row:
        return f"loss {row['loss']:.1e}"
    name, value = _headline(row)
    return f"{value:.1f} dB" if name == "psnr" else f"{name} {value:.4g}"
