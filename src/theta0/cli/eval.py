"""``theta0 eval``: a learned start against the paper's baselines, on test signals."""

import dataclasses
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from theta0.errors import InputError
from theta0.evaluate import as_far_as_there_are
from theta0.files import read_jsonl
from theta0.inits import find
from theta0.presets import STARTS, Experiment, StartName, evaluate_initialization, experiment_of

from ._common import parse, progress_bar, require_folder
from ._results import system_facts, write_evaluation

EXAMPLES = """Compare a learned start with Standard, Mean, Matched and Shuffled on test signals,
each with SGD and Adam and the step size that is best on validation signals.

examples:
  theta0 eval runs/ct-phantoms/cpu
  theta0 eval phantoms --signals 8
  theta0 eval phantoms --starts learned standard
  theta0 eval faces --data photos/ --steps 0 1 2 5 10
  theta0 eval runs/view-chair/cpu --views 1 --starts learned --training-signals
"""


@dataclass
class Eval:
    """Arguments of ``theta0 eval``."""

    init: tyro.conf.Positional[str]
    """run folder, .safetensors file, or name of a shipped initialization"""
    data: str | None = None
    """pictures or CT slices, as for theta0 train (default: what it was learned from)"""
    signals: int | None = None
    """test signals"""
    tuning_signals: int | None = None
    """validation signals that choose step sizes"""
    steps: tuple[int, ...] | None = None
    """numbers of gradient steps"""
    sgd: tuple[float, ...] | None = None
    """step sizes tried for gradient descent"""
    adam: tuple[float, ...] | None = None
    """step sizes tried for Adam"""
    starts: tuple[StartName, ...] = STARTS
    """the learned start and those it is compared with"""
    views: int | None = None
    """views of a CT slice, or of an object"""
    training_signals: bool = False
    """judge fits to signals that training saw instead; how much better these are is over-fitting"""
    out: Path | None = None
    """where the report goes; INIT/eval for a run folder, else eval-NAME"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(Eval, argv, "eval", description=EXAMPLES)
    if not arguments.starts:
        raise InputError(f"--starts: name at least one of {', '.join(STARTS)}")
    initialization = find(arguments.init)
    folder = Path(arguments.init)
    in_run = (folder / "config.json").exists()
    experiment = experiment_of(initialization, folder)
    if not in_run and arguments.data is None and (path := experiment.data.path):
        raise InputError(
            f"{arguments.init} was learned from {path}, which does not come with it; give --data"
        )
    out = arguments.out or (folder / "eval" if in_run else Path(f"eval-{folder.stem}"))
    require_folder(out)
    with_protocol(experiment, arguments)  # refuses what cannot be before pictures are read
    experiment = experiment.on_data(arguments.data)
    family = experiment.data.build()
    experiment = with_protocol(
        replace(experiment, protocol=as_far_as_there_are(experiment.protocol, family)), arguments
    )
    system = system_facts()
    with progress_bar(100, "%") as update:
        evaluation = evaluate_initialization(
            experiment,
            initialization,
            family,
            on_progress=lambda what, done: update(100 * done, what),
            names=arguments.starts,
        )
    training = read_jsonl(folder / "metrics.jsonl") if in_run else []
    facts = initialization.description.provenance
    origin = (
        f"imported from {facts['imported']}"
        if "imported" in facts
        else f"learned in {facts.get('outer_steps')} outer steps"
    )
    intro = (
        f"The start “{initialization.description.name}”, {origin}, against the paper's baselines "
        f"on {experiment.protocol.signals} {experiment.protocol.judged} signals."
    )
    title = f"{initialization.description.name}: learned start against baselines"
    return write_evaluation(out, title, intro, evaluation, training, system)


def with_protocol(experiment: Experiment, arguments: Eval) -> Experiment:
    """The experiment with what the command line says about its protocol."""
    names = [field.name for field in dataclasses.fields(experiment.protocol)]
    given = {
        name: getattr(arguments, name)
        for name in names
        if getattr(arguments, name, None) is not None
    }
    return replace(experiment, protocol=replace(experiment.protocol, **given))
