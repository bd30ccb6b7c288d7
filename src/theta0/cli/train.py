"""``theta0 train``: learn an initialization by a preset, in a run folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from theta0.errors import InputError
from theta0.files import write_bytes
from theta0.meta import Progress, read_log
from theta0.presets import PRESETS, Experiment, preset, read_experiment, train
from theta0.registry import META_LEARNERS, RULES
from theta0.report import training_curve
from theta0.signals import TaskFamily

from ._common import Flag, command_words, parse, progress_bar, require_folder, say
from ._parts import PARTS, with_parts

EXAMPLES = """Learn an initialization by a preset. The run folder holds the best one,
init.safetensors, a log and a checkpoint; with --resume the same command continues the run.

examples:
  theta0 train ct-phantoms --scale cpu
  theta0 train images --data photos/ --scale cpu
  theta0 train image-celeba --data celeba/ --data.source.limit 2000
  theta0 train ct-phantoms --scale cpu --resume
  theta0 train ct-phantoms --scale smoke --meta reptile --meta.rule sgd:0.1 --meta.steps 12
  theta0 train ct-phantoms --scale smoke --meta metasgd --meta.rule step-sizes:lr=0.06,per=weight
  theta0 train images --data photos/ --field fourier --field.width 128

presets: {presets}

Every setting of a preset is an option below. Network, forward map, meta-learner and kind of signal
can be replaced by name, as with --field fourier: settings that the two share keep the preset's
values, and the options below are then those of the new one, which this lists for a network:
  theta0 train images --field fourier --help

An update rule is one word, NAME or NAME:SETTING=VALUE,...; sgd:0.1 is short for sgd:lr=0.1. These
names are known, and described by theta0 info:
{names}

A Python file can register your own: theta0 --plugin FILE.py train ...
"""


@dataclass
class Train:
    """Arguments of ``theta0 train``."""

    experiment: Annotated[Experiment, tyro.conf.arg(name="")]
    data: str | None = None
    """where the signals lie, as the preset reads them: folder of pictures (image-arrays: .npz
    file), file or folder of CT slices, folder of objects seen by cameras, folder of photographs of
    a scene with their cameras (see theta0 data --help)"""
    field: str | None = None
    """network by name; the preset's when left out"""
    forward: str | None = None
    """forward map by name; the preset's when left out"""
    meta: str | None = None
    """meta-learner by name; the preset's when left out"""
    signals: str | None = None
    """kind of signal by name; the preset's when left out"""
    out: Path | None = None
    """run folder; runs/PRESET/SCALE when left out"""
    resume: Flag = False
    """continue the run in the folder"""
    overwrite: Flag = False
    """delete the run in the folder and start anew"""


def _description() -> str:
    """The text above the options; names are looked up late, for plug-ins register some."""
    registries = {part.noun: part.registry for part in PARTS.values()} | {"update rules": RULES}
    names = "\n".join(f"  {noun}: {', '.join(of.names())}" for noun, of in registries.items())
    return EXAMPLES.format(presets=", ".join(PRESETS), names=names)


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
    default = with_parts(default, {option: _value(argv, f"--{option}") for option in PARTS})
    arguments = parse(
        Train, argv[1:] if named else argv, f"train {named or 'PRESET'}",
        description=_description(), default=Train(default),
    )  # fmt: skip
    experiment = arguments.experiment.with_data(arguments.data)
    require_own_folder(out, arguments.resume, arguments.overwrite)
    if arguments.resume and not (out / "config.json").exists():
        raise InputError(f"{out} holds no run to continue; leave --resume out to start one there")
    try:
        return learn_with_progress(experiment, out, arguments.resume, arguments.overwrite)
    except KeyboardInterrupt:
        if (out / "config.json").exists():
            again = command_words("train", experiment.preset, "--resume", "--out", out)
            say(f"stopped; continue with: {again}")
        raise


def require_own_folder(out: Path, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that holds something, unless told what to do with it."""
    require_folder(out)
    if resume and overwrite:
        raise InputError("--resume continues a run, --overwrite deletes it; give one of them")
    ours = lambda path: path.name.startswith(".theta0")  # of a run that began, and was killed
    if not out.exists() or all(map(ours, out.iterdir())):
        return
    if not (out / "config.json").exists():
        raise InputError(f"{out} holds something that is not a run; give another --out")
    if not (resume or overwrite):
        raise InputError(f"{out} exists; give --resume to continue, --overwrite, or another --out")


def _tell_of(experiment: Experiment, family: TaskFamily, out: Path) -> None:
    """Say what is learned from, and where to."""
    for name, reason in family.skipped[:5]:
        say(f"skipped {name}: {reason}")
    if len(family.skipped) > 5:
        say(f"… {len(family.skipped)} signals skipped in all")
    steps, learner = experiment.outer.steps, META_LEARNERS.name_of(type(experiment.meta))
    say(
        f"{experiment.preset} ({experiment.scale}): {family.size('train')} training signals, "
        f"{steps} outer steps of {learner}, into {out}"
    )


def learn_with_progress(
    experiment: Experiment, out: Path, resume: bool, overwrite: bool = False
) -> dict[str, Any]:
    """Train in a folder, show progress, draw the curve, report the result."""
    family = experiment.data.build()
    metric = family.metric
    _tell_of(experiment, family, out)
    first: list[Progress] = []
    with progress_bar(experiment.outer.steps) as update:

        def on_step(progress: Progress) -> None:
            if not first:
                first.append(progress)
            steps = progress.step - first[0].step
            found = progress.best_psnr  # of whatever metric
            texts = [] if found is None else [f"best {metric.told(found)}"]
            if steps:  # the first one compiled
                rate = steps / max(progress.seconds - first[0].seconds, 1e-9)
                texts.append(f"{rate:.1f} steps/s")
            update(progress.step, ", ".join(texts))

        result = train(experiment, out, resume, on_step, family, overwrite)
    records = read_log(out, experiment.outer.steps)
    write_bytes(out / "training.png", training_curve(records, metric.axis))
    facts = result.description.provenance
    name = f"validation_{metric.name}"
    say(
        f"best initialization: {metric.told(facts[name])} on validation signals after "
        f"{experiment.meta.steps} inner steps, in {records[-1]['seconds']:.0f} s of training"
    )
    say(f"saved as {out / 'init.safetensors'}; next: {command_words('eval', out)}")
    return {
        "run": str(out),
        "init": str(out / "init.safetensors"),
        name: facts[name],
        "best_step": facts["outer_steps"],
        "steps": records[-1]["step"],
        "seconds": round(records[-1]["seconds"], 1),
    }
