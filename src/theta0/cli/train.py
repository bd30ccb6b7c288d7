"""``theta0 train``: learn an initialization by a preset, in a run folder."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from theta0.errors import InputError
from theta0.files import read_jsonl, write_bytes
from theta0.meta import Progress
from theta0.presets import PRESETS, Experiment, preset, read_experiment, train
from theta0.report import training_curve

from ._common import Flag, parse, progress_bar, require_folder, say

EXAMPLES = f"""Learn an initialization. The run folder holds the best start (init.safetensors), a
log and a checkpoint, and goes on after a kill with --resume.

examples:
  theta0 train ct-phantoms --scale cpu
  theta0 train images --data photos/ --scale cpu
  theta0 train image-celeba --data celeba/ --data.source.limit 2000
  theta0 train ct-phantoms --scale cpu --resume
  theta0 train ct-phantoms --scale smoke --outer.steps 100 --inner.lr 0.1 --meta reptile

presets: {", ".join(PRESETS)}
"""


@dataclass
class Train:
    """Arguments of ``theta0 train``."""

    experiment: Annotated[Experiment, tyro.conf.arg(name="")]
    data: str | None = None
    """where the signals lie, as the preset reads them: folder of pictures (image-arrays: .npz
    file), file or folder of CT slices, folder of objects seen by cameras, folder of photographs of
    a place with their cameras (see theta0 data --help)"""
    out: Path | None = None
    """run folder; runs/PRESET/SCALE when left out"""
    resume: Flag = False
    """go on with the run in the folder"""
    overwrite: Flag = False
    """delete the run in the folder and start anew"""


def _value(argv: list[str], flag: str) -> str | None:
    """The value of a flag before the real parse, which needs the preset's defaults."""
    for i, argument in enumerate(argv):
        if argument == flag and i + 1 < len(argv):
            return argv[i + 1]
        if argument.startswith(flag + "="):
            return argument.split("=", 1)[1]
    return None


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    named = argv[0] if argv and not argv[0].startswith("-") else None
    if named is None and not {"-h", "--help"} & set(argv):
        raise InputError(f"name a preset: theta0 train {'|'.join(PRESETS)}")
    default = preset(named or "ct-phantoms", _value(argv, "--scale") or "cpu")
    out = Path(_value(argv, "--out") or f"runs/{default.preset}/{default.scale}")
    if "--resume" in argv and (out / "config.json").exists():
        default = read_experiment(out)
        if named and default.preset != named:
            raise InputError(f"{out} holds a run of {default.preset}, not of {named}")
    arguments = parse(
        Train, argv[1:] if named else argv, f"train {named or 'PRESET'}", description=EXAMPLES,
        default=Train(default),
    )  # fmt: skip
    experiment = arguments.experiment.with_data(arguments.data)
    require_own_folder(out, arguments.resume, arguments.overwrite)
    if arguments.resume and not (out / "config.json").exists():
        say(f"{out} holds no run to go on with: one begins there")
    try:
        return learn_with_progress(experiment, out, arguments.resume, arguments.overwrite)
    except KeyboardInterrupt:
        if (out / "config.json").exists():
            where = shlex.quote(str(out))
            say(f"stopped; go on with: theta0 train {experiment.preset} --resume --out {where}")
        raise


def require_own_folder(out: Path, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that holds something, unless told what to do with it."""
    require_folder(out)
    if resume and overwrite:
        raise InputError("--resume goes on with a run, --overwrite deletes it; give one of them")
    if not out.exists() or not any(out.iterdir()):
        return
    if not (out / "config.json").exists():
        raise InputError(f"{out} holds something that is not a run; give another --out")
    if not (resume or overwrite):
        raise InputError(f"{out} exists; give --resume to go on, --overwrite, or another --out")


def learn_with_progress(
    experiment: Experiment, out: Path, resume: bool, overwrite: bool = False
) -> dict[str, Any]:
    """Train in a folder, show how it goes, draw the curve, say what came out."""
    family = experiment.data.build()
    for name, reason in getattr(family, "skipped", ())[:5]:
        say(f"skipped {name}: {reason}")
    if len(skipped := getattr(family, "skipped", ())) > 5:
        say(f"… {len(skipped)} signals skipped in all")
    say(
        f"{experiment.preset} ({experiment.scale}): {family.size('train')} signals to learn from, "
        f"{experiment.outer.steps} steps of {experiment.meta}, into {out}"
    )
    first: list[Progress] = []
    with progress_bar(experiment.outer.steps) as update:

        def on_step(progress: Progress) -> None:
            if not first:
                first.append(progress)
            steps = progress.step - first[0].step
            texts = [] if progress.best_psnr is None else [f"best {progress.best_psnr:.2f} dB"]
            if steps:  # the first one compiled
                rate = steps / max(progress.seconds - first[0].seconds, 1e-9)
                texts.append(f"{rate:.1f} steps/s")
            update(progress.step, ", ".join(texts))

        result = train(experiment, out, resume, on_step, family, overwrite)
    records = read_jsonl(out / "metrics.jsonl")
    write_bytes(out / "training.png", training_curve(records))
    facts = result.description.provenance
    say(
        f"best start: {facts['validation_psnr']:.2f} dB on validation signals after "
        f"{experiment.inner.steps} steps, in {records[-1]['seconds']:.0f} s of training"
    )
    say(f"it lies in {out / 'init.safetensors'}; next: theta0 eval {shlex.quote(str(out))}")
    return {
        "run": str(out),
        "init": str(out / "init.safetensors"),
        "validation_psnr": facts["validation_psnr"],
        "best_step": facts["outer_steps"],
        "steps": records[-1]["step"],
        "seconds": round(records[-1]["seconds"], 1),
    }
