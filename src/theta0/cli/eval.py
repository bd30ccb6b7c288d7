"""``theta0 eval``: a learned initialization against the paper's baselines, on test signals."""

import dataclasses
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from theta0.errors import InputError, note
from theta0.evaluation import as_far_as_there_are
from theta0.fields import weights
from theta0.inits import Initialization, find
from theta0.inner import Objective, RuleConfig
from theta0.meta import read_log
from theta0.presets import INITS, Experiment, InitName, evaluate_initialization, experiment_of

from ._common import Flag, parse, progress_bar, require_folder
from ._results import system_facts, write_evaluation

EXAMPLES = """Compare a learned initialization with the baselines Standard, Mean, Matched and
Shuffled on test signals. Each is fitted by every update rule; of each kind of rule, the step size
and other settings are those that are best on validation signals.

examples:
  theta0 eval runs/ct-phantoms/cpu
  theta0 eval phantoms --signals 8
  theta0 eval phantoms --inits learned standard --rules sgd:0.06 adam:1e-4 adam:1e-3
  theta0 eval phantoms --inits learned --after-learned adam:1e-4 --objectives tv=1e-6 tv=1e-5
  theta0 eval faces --data photos/ --steps 0 1 2 5 10
  theta0 eval runs/view-chair/cpu --views 1 --inits learned --training-signals
"""


@dataclass
class Eval:
    """Arguments of ``theta0 eval``."""

    init: tyro.conf.Positional[str]
    """run folder, .safetensors file, or name of a shipped initialization"""
    data: str | None = None
    """where the signals lie, as for theta0 train; those it was learned from when left out"""
    signals: int | None = None
    """number of test signals; the preset's when left out, as for the options below"""
    tuning_signals: int | None = None
    """number of validation signals that choose the settings"""
    steps: tuple[int, ...] | None = None
    """numbers of inner steps after which fits are judged"""
    rules: tuple[RuleConfig, ...] | None = None
    """update rules to try, such as sgd:0.01 adam:1e-4 adam:1e-3; of each kind the best settings are
    chosen (see theta0 info for the names)"""
    after_learned: tuple[RuleConfig, ...] | None = None
    """update rules to try after the learned steps, where the update rule was learned, too"""
    objectives: tuple[Objective, ...] | None = None
    """objectives to try with learned and standard, such as tv=1e-5 huber=0.1, in rows of their
    own; terms of one objective are joined by commas"""
    inits: tuple[InitName, ...] = INITS
    """initializations to compare"""
    views: int | None = None
    """number of views of a CT slice or object that a fit sees"""
    training_signals: Flag = False
    """judge fits to training signals instead of test signals; the difference is over-fitting"""
    out: Path | None = None
    """folder for the report; INIT/eval for a run folder, else eval-NAME, when left out"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(Eval, argv, "eval", description=EXAMPLES)
    if not arguments.inits:
        raise InputError(f"--inits: name at least one of {', '.join(INITS)}")
    if arguments.rules == ():
        raise InputError("--rules: name at least one update rule, such as adam:1e-3")
    initialization = find(arguments.init)
    if arguments.after_learned and not weights(initialization.rule):
        raise InputError(
            f"--after-learned: {arguments.init} has no learned update rule to try others after; "
            "use --rules"
        )
    folder = Path(arguments.init)
    in_run = (folder / "config.json").exists()
    experiment = experiment_of(initialization, folder)
    if not in_run and arguments.data is None and (path := experiment.data.path):
        raise InputError(
            f"{arguments.init} was learned from {path}, which does not come with it; give --data"
        )
    out = arguments.out or (folder / "eval" if in_run else Path(f"eval-{folder.stem}"))
    require_folder(out)
    training = _log(folder, experiment.outer.steps) if in_run else []
    with_protocol(experiment, arguments)  # refuses what cannot be before pictures are read
    experiment = experiment.on_data(arguments.data)
    family = experiment.data.build()
    most = as_far_as_there_are(experiment.protocol, family)
    experiment = with_protocol(replace(experiment, protocol=most), arguments)
    system = system_facts()
    with progress_bar(100, "%") as update:
        evaluation = evaluate_initialization(
            experiment, initialization, family,
            on_progress=lambda what, done: update(100 * done, what), names=arguments.inits,
        )  # fmt: skip
    title = f"{initialization.description.name}: learned initialization against baselines"
    intro = _intro(initialization, experiment)
    return write_evaluation(out, title, intro, evaluation, training, system)


def _log(folder: Path, steps: int) -> list[dict[str, Any]]:
    """The log of a run; a note says if it has not come to its end."""
    records = read_log(folder, steps)
    done = records[-1]["step"] if records else 0
    if done < steps:
        note(
            f"{folder}: the run is unfinished, at step {done} of {steps}; its best initialization "
            "so far is judged"
        )
    return records


def _intro(initialization: Initialization, experiment: Experiment) -> str:
    """What a report is about, in a sentence."""
    facts, protocol = initialization.description.provenance, experiment.protocol
    origin = f"learned in {facts.get('outer_steps')} outer steps"
    if "imported" in facts:
        origin = f"imported from {facts['imported']}"
    return (
        f"The initialization “{initialization.description.name}”, {origin}, against the paper's "
        f"baselines on {protocol.signals} {protocol.judged} signals."
    )


def with_protocol(experiment: Experiment, arguments: Eval) -> Experiment:
    """The experiment with what the command line says about its protocol."""
    names = [field.name for field in dataclasses.fields(experiment.protocol)]
    given = {
        name: getattr(arguments, name)
        for name in names
        if getattr(arguments, name, None) is not None
    }
    return replace(experiment, protocol=replace(experiment.protocol, **given))
