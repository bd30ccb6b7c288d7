"""``theta0 reproduce``: the paper's tables and figures, by one command, from learned starts."""

import difflib
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from theta0.data.images import CelebA, Imagenette
from theta0.errors import InputError
from theta0.evaluate import Rows, best_rows
from theta0.paper import (
    BY_VIEWS,
    Options,
    Reproduction,
    Run,
    RunCache,
    Where,
    figure_curves,
    figure_images,
    figure_shapenet,
    figure_shapenet_convergence,
    figure_tourism,
    figure_training,
    on_signals,
    read_runs,
    table1,
    table2,
    table3,
    table4,
    table5,
)
from theta0.presets import OnProgress, command_line, preset, read_experiment
from theta0.report import (
    Table,
    appearance_transfer_grid,
    classes_table,
    curves,
    match_table,
    minutes_curve,
    minutes_table,
    novel_views_grid,
    objects_table,
    paper_report,
    reconstructions_grid,
    scenes_table,
    sparse_view_curve,
    sparse_view_table,
    steps_table,
    transfer_table,
)
from theta0.tasks import CTConfig, ImageConfig, PhotoConfig, ViewConfig

from ._common import Flag, console, parse, progress_bar, require_folder, resumable, say
from ._results import gallery_png, system_facts
from .train import learn_with_progress, require_own_folder

EXAMPLES = """Make a table or figure of the paper from run folders. Without --runs they are those of
the paper's classes, runs/image-*/SCALE; what is missing is trained there first. An interrupted
command goes on where it stopped.

  table1          PSNR after the inner loop's steps, and steps to match the learned start
  table2          the start of every class on the signals of every class
  table3          CT: PSNR by number of views, against reconstruction without a network
  table4          objects: PSNR on unseen views from one view, and unseen views as pictures
  table5          photographs of a place: PSNR on what was not fitted of them
  figure-images   test signals as every start shows them after some steps
  figure-curves   PSNR against steps
  figure-shapenet objects: unseen views beside those that every start shows
  figure-shapenet-convergence  objects: PSNR on unseen views from 25 views, against steps
  figure-tourism  a place in the light of one photograph after another, from elsewhere
  figure-training PSNR on validation signals against minutes of learning, a line a run

examples:
  theta0 reproduce table1 --scale smoke
  theta0 reproduce table1 --celeba celeba/ --imagenette imagenette2/
  theta0 reproduce table1 --runs faces --data portraits/ --signals 20
  theta0 reproduce table2 --runs runs/image-text/cpu runs/image-sdf/cpu --signals 20
  theta0 reproduce table3 --runs runs/ct-phantoms/cpu --views 1 2 4 8
  theta0 reproduce table3 --runs phantoms --views 16 32 --signals 4
  theta0 reproduce table4 --runs runs/view-chair/cpu runs/view-chair-sv/cpu
  theta0 reproduce table4 --runs chair --data views --signals 4
  theta0 reproduce table5 --runs runs/tourism-town/cpu runs/tourism-town-joint/cpu
  theta0 reproduce figure-images --runs runs/images/cpu --steps 0 1 2 5
"""

PRESETS = ("image-celeba", "image-imagenette", "image-text", "image-sdf")
"""The paper's classes of pictures."""

OBJECTS = ("chair", "car", "lamp")
"""The paper's classes of objects."""


@dataclass(frozen=True)
class Target:
    """One table or figure."""

    measure: Callable[[Sequence[Run], Options, RunCache, OnProgress], Reproduction]
    table: Callable[[Rows], Table]
    figures: Callable[[Reproduction], dict[str, bytes]] = lambda found: {}
    """PNG files by name"""
    options: tuple[str, ...] = ()
    """its own options, beside those that all have"""
    presets: tuple[str, ...] = PRESETS
    """presets of the runs it is made from, where none are given"""
    data: type = ImageConfig
    """what the signals of its runs are; object: any, for none is fitted"""


def _pictures(found: Reproduction) -> dict[str, bytes]:
    return {_file("pictures", name): gallery_png(shown) for name, shown in found.galleries.items()}


def _reconstructions(found: Reproduction) -> dict[str, bytes]:
    pictures = {
        _file("slices", name): reconstructions_grid(shown.target, shown.pictures)
        for name, shown in found.reconstructions.items()
    }
    return {"views.png": sparse_view_curve(best_rows(found.rows, BY_VIEWS)), **pictures}


def _curves(found: Reproduction, by: str = "test_class") -> dict[str, bytes]:
    by_class: dict[str, Rows] = {}
    for row in found.rows:
        if row.get("protocol") != "psnr":
            by_class.setdefault(row[by], []).append(row)
    return {_file("curves", name): curves(rows, name) for name, rows in by_class.items()}


def _novel_views(found: Reproduction) -> dict[str, bytes]:
    return {
        _file("views", name): novel_views_grid(shown.inputs, shown.targets, shown.predictions)
        for name, shown in found.novel_views.items()
    }


def _appearance_transfers(found: Reproduction) -> dict[str, bytes]:
    return {
        _file("looks", name): appearance_transfer_grid(
            shown.photographs, shown.inputs, shown.renderings
        )
        for name, shown in found.appearance_transfers.items()
    }


def _file(kind: str, name: str) -> str:
    return f"{kind}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-')}.png"


MATCH = ("match_signals", "match_tuning_signals", "match_steps")
SCANS = ("baseline_signals", "learned_adam", "samples", "w0", "tv", "mirrored")

TARGETS = {
    "table1": Target(table1, match_table, _curves, MATCH),
    "table2": Target(table2, transfer_table),
    "table3": Target(
        table3,
        lambda rows: sparse_view_table(best_rows(rows, BY_VIEWS)),
        _reconstructions,
        ("steps", "views", "starts", *SCANS),
        ("ct-phantoms",),
        CTConfig,
    ),
    "table4": Target(
        table4,
        lambda rows: objects_table(best_rows(rows, ("class", "init", "optimizer"))),
        _novel_views,
        ("steps", "views", "starts"),
        tuple(f"view-{kind}{more}" for kind in OBJECTS for more in ("", "-sv")),
        ViewConfig,
    ),
    "figure-shapenet-convergence": Target(
        figure_shapenet_convergence,
        lambda rows: steps_table(
            [{**row, "init": f"{row['class']}, {row['init']}"} for row in rows]
        ),
        lambda found: _curves(found, "class"),
        ("steps", "views"),
        tuple(f"view-{kind}" for kind in OBJECTS),
        ViewConfig,
    ),
    "table5": Target(
        table5,
        lambda rows: scenes_table(best_rows(rows, ("scene", "protocol", "init", "optimizer"))),
        _novel_views,
        ("steps", "huber", "starts"),
        ("tourism-town", "tourism-town-joint"),
        PhotoConfig,
    ),
    "figure-tourism": Target(
        figure_tourism,
        lambda rows: steps_table(
            [{**row, "init": f"{row['scene']}, {row['init']}"} for row in rows]
        ),
        _appearance_transfers,
        ("steps",),
        ("tourism-town",),
        PhotoConfig,
    ),
    "figure-images": Target(figure_images, classes_table, _pictures, ("steps",)),
    "figure-curves": Target(figure_curves, classes_table, _curves, ("steps",)),
    "figure-training": Target(
        figure_training,
        minutes_table,
        lambda found: {"minutes.png": minutes_curve(found.rows)},
        data=object,
    ),
}


TARGETS["figure-shapenet"] = replace(TARGETS["table4"], measure=figure_shapenet)


@dataclass
class Reproduce:
    """Arguments of ``theta0 reproduce``."""

    name: tyro.conf.Positional[str]
    """which table or figure"""
    options: Annotated[Options, tyro.conf.arg(name="")] = field(default_factory=Options)
    runs: tuple[Path, ...] = ()
    """run folders, or starts by file or shipped name, one a class, in this order (default: the
    paper's classes)"""
    scale: Literal["smoke", "cpu", "paper"] | None = None
    """without --runs: scale of the presets (default: cpu)"""
    data: str | None = None
    """pictures, slices, views or photographs, as for theta0 train, unless one of the next two says
    it of a class (default: what the runs learned from)"""
    celeba: str | None = None
    """folder of CelebA; without it and a run of image-celeba that class is left out"""
    imagenette: str | None = None
    """folder of Imagenette; without it and a run of image-imagenette that class is left out"""
    out: Path | None = None
    """folder for the results; results/NAME when left out"""
    overwrite: Flag = False
    """measure again what the folder holds already; runs are not trained again"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    if not argv:
        raise InputError(f"name what to reproduce: theta0 reproduce {'|'.join(TARGETS)}")
    arguments = parse(Reproduce, argv, "reproduce", description=EXAMPLES)
    target = _target(arguments)
    out = arguments.out or Path("results") / arguments.name
    _require_own_results(out, arguments.overwrite)
    where = _where(arguments)
    parts, system = RunCache(out / "parts"), system_facts()
    with resumable():
        runs = read_runs(_finished(arguments, target, where), target.data, where)
        with progress_bar(100, "%") as update:
            found = target.measure(
                runs, arguments.options, parts, lambda what, done: update(100 * done, what)
            )
    return _written(out, target, found, runs, parts, system)


def _target(arguments: Reproduce) -> Target:
    """What is to be made; options it does not have are refused."""
    name = arguments.name
    if name not in TARGETS:
        near = difflib.get_close_matches(name, TARGETS, n=2, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(TARGETS)}"
        raise InputError(f"unknown table or figure {name!r}; {hint}")
    if arguments.runs and arguments.scale:
        raise InputError("--scale chooses runs, as --runs does; give one of them")
    others = {option for target in TARGETS.values() for option in target.options}
    others -= set(TARGETS[name].options)
    given = [option for option, value in vars(arguments.options).items() if value is not None]
    wrong = [f"--{option.replace('_', '-')}" for option in given if option in others]
    if wrong:
        them = "it" if len(wrong) == 1 else "them"
        raise InputError(f"{name} has no {', '.join(wrong)}; leave {them} out")
    return TARGETS[name]


def _require_own_results(out: Path, overwrite: bool) -> None:
    """Refuse a folder of something else; with ``overwrite`` forget what was measured."""
    require_folder(out)
    if not out.exists() or not any(out.iterdir()):
        return
    if not ((out / "parts").is_dir() or (out / "facts.json").is_file()):
        raise InputError(f"{out} holds something else; give another --out")
    if overwrite:
        shutil.rmtree(out / "parts", ignore_errors=True)


def _where(arguments: Reproduce) -> Where:
    """Where signals lie, as the command line says."""
    given = {CelebA: arguments.celeba, Imagenette: arguments.imagenette}
    for path in (*given.values(), arguments.data):
        if path is not None and not Path(path).exists():
            raise InputError(f"{path}: no such file or folder")
    return lambda data: given.get(type(data.source)) or arguments.data


def _finished(arguments: Reproduce, target: Target, where: Where) -> list[Path]:
    """The run folders; one that is missing or unfinished is trained."""
    if arguments.runs:
        unfinished = [
            (folder, on_signals(read_experiment(folder), folder, target.data))
            for folder in arguments.runs
            if (folder / "config.json").is_file() and not (folder / "last.safetensors").exists()
        ]
        for folder, experiment in unfinished:
            learn_with_progress(experiment, folder, resume=True)
        return list(arguments.runs)
    wanted = []
    for name in target.presets:
        experiment = preset(name, arguments.scale or "cpu")
        folder = Path("runs") / name / experiment.scale
        path = where(experiment.data)
        if (folder / "config.json").exists():
            experiment = on_signals(read_experiment(folder), folder, target.data)
        elif path is None and isinstance(experiment.data.source, CelebA | Imagenette):
            flag = f"--{name.removeprefix('image-')}"
            say(f"{name} is left out: no run in {folder}, and no {flag} to learn from")
            continue
        else:
            experiment = experiment.with_data(path)
        wanted.append((folder, experiment))
    # None is trained before all are known to have data.
    for folder, experiment in wanted:
        if not (folder / "last.safetensors").exists():
            require_own_folder(folder, resume=True, overwrite=False)
            learn_with_progress(experiment, folder, resume=True)
    return [folder for folder, _ in wanted]


def _written(
    out: Path,
    target: Target,
    found: Reproduction,
    runs: list[Run],
    parts: RunCache,
    system: dict[str, Any],
) -> dict[str, Any]:
    """Write everything, print the table, say where it lies; returns the JSON result."""
    column = lambda what: sorted({row[what] for row in found.rows})
    facts = {
        "command": command_line(),
        "seeds": sorted({run.experiment.seed for run in runs}),
        "test signals": column("n"),
        "steps": column("steps"),
        "seconds of evaluation": round(parts.seconds, 1),
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
    means = [{key: row[key] for key in row if key != "psnr"} for row in found.rows]
    return {"files": [str(path) for path in paths], "results": means, "facts": facts}
