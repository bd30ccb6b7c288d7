"""``theta0 demo``: the paper's CT experiment in small, from nothing to a page in minutes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from theta0.errors import InputError
from theta0.inits import load
from theta0.meta import read_log
from theta0.presets import ct, evaluate_initialization

from ._common import Flag, parse, progress_bar, require_folder, resumable, say
from ._results import system_facts, write_evaluation
from .train import learn_with_progress

EXAMPLES = """Learn an initialization for randomized Shepp-Logan phantoms, reconstruct unseen
phantoms from 4 views with it and with every baseline of the paper, and write tables, pictures and
one HTML page.

examples:
  theta0 demo
  theta0 demo --out phantoms --json
"""

INTRO = (
    "Randomized Shepp-Logan phantoms, reconstructed from 4 views of a parallel-beam scanner by "
    "fitting a coordinate network to the line integrals. The learned initialization was learned "
    "from other phantoms; Standard, Mean, Matched and Shuffled are the paper's baselines."
)


@dataclass
class Demo:
    """Arguments of ``theta0 demo``."""

    out: Path = Path("theta0-demo")
    """folder for the run and its report; an interrupted demo continues there"""
    overwrite: Flag = False
    """delete the run in the folder and start anew"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(Demo, argv, "demo", description=EXAMPLES)
    run, experiment = arguments.out / "run", ct.DEMO
    require_folder(run)
    if arguments.out.exists() and any(arguments.out.iterdir()) and not run.exists():
        raise InputError(f"{arguments.out} holds something else; give another --out")
    system = system_facts()
    with resumable(" (without --overwrite)"):
        trained = learn_with_progress(experiment, run, not arguments.overwrite, arguments.overwrite)
        say("reconstructing unseen phantoms from 4 views, from every initialization")
        with progress_bar(100, "%") as update:
            evaluation = evaluate_initialization(
                experiment,
                load(run / "init.safetensors"),
                on_progress=lambda what, done: update(100 * done, what),
            )
    training = read_log(run, experiment.outer.steps)
    title = "theta0 demo: CT from 4 views"
    result = write_evaluation(arguments.out, title, INTRO, evaluation, training, system)
    margin = advantage(result["results"])
    say(
        f"the learned initialization is {margin['db']:.2f} dB above the best baseline "
        f"({margin['baseline']}) after {margin['steps']} steps"
    )
    return {**result, "train": trained, "advantage": margin}


def advantage(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """By how much learned is above the best baseline, at the number of steps where it is most."""
    found = []
    for step in sorted({row["steps"] for row in rows} - {0}):
        at = [row for row in rows if row["steps"] == step]
        learned = max(row["psnr_mean"] for row in at if row["init"] == "learned")
        baseline = max(
            (row for row in at if row["init"] != "learned"), key=lambda row: row["psnr_mean"]
        )
        found.append(
            {
                "db": round(learned - baseline["psnr_mean"], 3),
                "steps": step,
                "baseline": f"{baseline['init']}, {baseline['rule']}",
            }
        )
    return max(found, key=lambda margin: margin["db"])
