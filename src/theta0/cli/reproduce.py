"""``theta0 reproduce``: the paper's tables and figures, by one command, from results of runs."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from theta0.data.images import CelebA, Imagenette
from theta0.errors import InputError
from theta0.evaluation import metric_of
from theta0.paper import Options, Reproduction, Run, RunCache, Where, on_signals, read_runs
from theta0.presets import Experiment, command_line, preset, read_experiment
from theta0.report import paper_report
from theta0.signals import SignalConfig

from ._common import Flag, console, parse, progress_bar, require_folder, resumable, say
from ._results import system_facts
from ._targets import TARGETS, Target, target_of
from ._words import WORDS
from .train import learn_with_progress, require_own_folder

EXAMPLES = """Reproduce a table or figure of the paper from run folders. Without --runs these are
runs/PRESET/SCALE of the paper's presets, and missing ones are trained first. An interrupted command
continues where it stopped.

  table1           images: PSNR after the inner loop, steps to match the learned initialization
  table2           images: PSNR from the initialization of every class on every class
  table3           CT: PSNR by number of views, compared with classical reconstruction
  table4           objects: PSNR on novel views from one view
  table5           tourist photographs: PSNR on parts and views that were not fitted
  figure-images    images: test signals fitted from every initialization
  figure-curves    images: PSNR against steps
  figure-shapenet  objects: novel views from every initialization
  figure-shapenet-convergence  objects: PSNR on novel views against steps, from 25 views
  figure-tourism   tourist photographs: appearance transfer to several poses
  figure-training  validation PSNR against minutes of meta-training

examples:
  theta0 reproduce table1 --scale smoke
  theta0 reproduce table1 --celeba celeba/ --imagenette imagenette2/
  theta0 reproduce table1 --runs faces --data portraits/ --signals 20
  theta0 reproduce table2 --runs runs/image-text/cpu runs/image-sdf/cpu --signals 20
  theta0 reproduce table3 --runs runs/ct-phantoms/cpu --views 1 2 4 8
  theta0 reproduce table3 --runs phantoms --views 16 32 --signals 4 --objectives tv=1e-6
  theta0 reproduce table4 --runs runs/view-chair/cpu runs/view-chair-sv/cpu
  theta0 reproduce table4 --runs chair --data views --signals 4 --rules sgd:0.5 adam:1e-3
  theta0 reproduce table5 --runs runs/tourism-town/cpu runs/tourism-town-joint/cpu
  theta0 reproduce figure-images --runs runs/images/cpu --steps 0 1 2 5
"""

OWN_DATA = {CelebA: "celeba", Imagenette: "imagenette"}
"""Options for the path of one class of pictures, by its source."""

CACHE = "cache"
"""Subfolder of the results that holds the run cache."""


@dataclass
class Reproduce:
    """Arguments of ``theta0 reproduce``."""

    name: tyro.conf.Positional[str]
    """which table or figure"""
    options: Annotated[Options, tyro.conf.arg(name="")] = field(default_factory=Options)
    runs: tuple[Path, ...] = ()
    """run folders, or files or shipped names of initializations, one for each class (default: those
    of the paper's presets)"""
    scale: Literal["smoke", "cpu", "paper"] | None = None
    """without --runs: scale of the presets (default: cpu)"""
    data: str | None = None
    """path of the signals, as for theta0 train, except for the classes of the next two options
    (default: where the runs found them)"""
    celeba: str | None = None
    """folder of CelebA; without it, image-celeba is left out unless it has a run"""
    imagenette: str | None = None
    """folder of Imagenette; without it, image-imagenette is left out unless it has a run"""
    out: Path | None = None
    """folder for the results (default: results/NAME)"""
    overwrite: Flag = False
    """evaluate again what the folder already holds; runs are not trained again"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    if not argv:
        raise InputError(f"name what to reproduce: theta0 reproduce {'|'.join(TARGETS)}")
    arguments = parse(Reproduce, argv, "reproduce", description=EXAMPLES, registry=WORDS)
    target = target_of(arguments.name, arguments.options)
    if arguments.runs and arguments.scale:
        raise InputError("--scale chooses runs, as --runs does; give one of them")
    out = arguments.out or Path("results") / arguments.name
    _require_own_results(out, arguments.overwrite)
    where = _where(arguments)
    cache, system = RunCache(out / CACHE), system_facts()
    with resumable():
        folders = _given(arguments, target) if arguments.runs else _of_presets(
            target, arguments.scale or "cpu", where
        )  # fmt: skip
        runs = read_runs(folders, target.data, where)
        with progress_bar(100, "%") as update:
            found = target.measure(
                runs, arguments.options, cache, lambda what, done: update(100 * done, what)
            )
    return _written(out, target, found, runs, cache, system)


def _require_own_results(out: Path, overwrite: bool) -> None:
    """Refuse a folder of something else; with ``overwrite``, delete its run cache."""
    require_folder(out)
    if not out.exists() or not any(out.iterdir()):
        return
    if not ((out / CACHE).is_dir() or (out / "facts.json").is_file()):
        raise InputError(f"{out} holds something else; give another --out")
    if overwrite:
        shutil.rmtree(out / CACHE, ignore_errors=True)


def _own_data(data: SignalConfig) -> str | None:
    """The option for the path of these signals, if their class has its own."""
    return OWN_DATA.get(type(getattr(data, "source", None)))


def _where(arguments: Reproduce) -> Where:
    """Where signals are, according to the command line."""
    given = {option: getattr(arguments, option) for option in OWN_DATA.values()}
    for path in (*given.values(), arguments.data):
        if path is not None and not Path(path).exists():
            raise InputError(f"{path}: no such file or folder")
    return lambda data: given.get(_own_data(data) or "") or arguments.data


def _is_finished(folder: Path) -> bool:
    return (folder / "last.safetensors").exists()


def _given(arguments: Reproduce, target: Target) -> list[Path]:
    """The run folders of ``--runs``; unfinished runs are trained to the end."""
    unfinished = [
        (folder, on_signals(read_experiment(folder), folder, target.data))
        for folder in arguments.runs
        if (folder / "config.json").is_file() and not _is_finished(folder)
    ]
    for folder, experiment in unfinished:
        learn_with_progress(experiment, folder, resume=True)
    return list(arguments.runs)


def _of_presets(target: Target, scale: str, where: Where) -> list[Path]:
    """The run folders of the presets of a target; missing and unfinished runs are trained."""
    wanted: list[tuple[Path, Experiment]] = []
    for name in target.presets:
        experiment = preset(name, scale)
        folder = Path("runs") / name / experiment.scale
        path, option = where(experiment.data), _own_data(experiment.data)
        if (folder / "config.json").exists():
            experiment = on_signals(read_experiment(folder), folder, target.data)
        elif path is None and option is not None:
            say(f"{name} is left out: no run in {folder}, and no --{option} to learn from")
            continue
        else:
            experiment = experiment.with_data(path)
        wanted.append((folder, experiment))
    # No run is trained before all are known to have data.
    for folder, experiment in wanted:
        if not _is_finished(folder):
            require_own_folder(folder, resume=True, overwrite=False)
            learn_with_progress(experiment, folder, resume=True)
    return [folder for folder, _ in wanted]


def _written(
    out: Path,
    target: Target,
    found: Reproduction,
    runs: list[Run],
    cache: RunCache,
    system: dict[str, Any],
) -> dict[str, Any]:
    """Write all files, print the table and the paths; returns the JSON result."""
    column = lambda what: sorted({row[what] for row in found.rows})
    facts = {
        "command": command_line(),
        "seeds": sorted({run.experiment.seed for run in runs}),
        "test signals": column("n"),
        "steps": column("steps"),
        "seconds of evaluation": round(cache.seconds, 1),
        **system,
        "runs": {run.name: run.facts() for run in runs},
    }
    table, figures = target.table(found.rows), target.figures(found)
    paths = paper_report(out, table, figures, found.rows, facts)
    console.print(table.to_rich())
    for figure in figures:
        say(f"figure: {out / figure}")
    say(f"tables and rows: {paths[0]}, {out / 'results.json'}")
    say(f"each signal's PSNR: {out / 'signals.json'}")
    means = [{key: row[key] for key in row if key != metric_of(row)} for row in found.rows]
    return {"files": [str(path) for path in paths], "results": means, "facts": facts}
