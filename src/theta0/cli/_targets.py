"""The tables and figures of the paper: how each is computed and presented."""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from theta0.errors import InputError
from theta0.evaluation import Rows, best_rows
from theta0.paper import (
    BY_VIEWS,
    Options,
    Reproduction,
    Run,
    RunCache,
    figure_curves,
    figure_images,
    figure_shapenet,
    figure_shapenet_convergence,
    figure_tourism,
    figure_training,
    table1,
    table2,
    table3,
    table4,
    table5,
)
from theta0.presets import OnProgress
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
    reconstructions_grid,
    scenes_table,
    sparse_view_curve,
    sparse_view_table,
    steps_table,
    transfer_table,
)
from theta0.signals import CTConfig, ImageConfig, PhotoConfig, SignalConfig, ViewConfig

from ._results import gallery_png

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
    """its options in addition to those of all targets"""
    presets: tuple[str, ...] = PRESETS
    """presets of its runs, if none are given"""
    data: type[SignalConfig] = ImageConfig
    """the kind of signals of its runs; SignalConfig: any"""


def _galleries(found: Reproduction) -> dict[str, bytes]:
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
        _file("appearance", name): appearance_transfer_grid(
            shown.photographs, shown.inputs, shown.renderings
        )
        for name, shown in found.appearance_transfers.items()
    }


def _file(kind: str, name: str) -> str:
    return f"{kind}-{re.sub(r'[^A-Za-z0-9._-]+', '-', name).strip('-')}.png"


def _steps_by(group: str) -> Callable[[Rows], Table]:
    """PSNR by steps, with initializations named by ``group``, such as their class."""
    return lambda rows: steps_table(
        [{**row, "init": f"{row[group]}, {row['init']}"} for row in rows]
    )


MATCH = ("match_signals", "match_tuning_signals", "match_steps")
SCANS = ("baseline_signals", "after_learned", "samples", "w0", "objectives", "flip")

TARGETS = {
    "table1": Target(table1, match_table, _curves, MATCH),
    "table2": Target(table2, transfer_table),
    "table3": Target(
        table3,
        lambda rows: sparse_view_table(best_rows(rows, BY_VIEWS)),
        _reconstructions,
        ("steps", "views", "inits", *SCANS),
        ("ct-phantoms",),
        CTConfig,
    ),
    "table4": Target(
        table4,
        lambda rows: objects_table(best_rows(rows, ("class", "init", "rule"))),
        _novel_views,
        ("steps", "views", "inits"),
        tuple(f"view-{kind}{more}" for kind in OBJECTS for more in ("", "-sv")),
        ViewConfig,
    ),
    "figure-shapenet-convergence": Target(
        figure_shapenet_convergence,
        _steps_by("class"),
        lambda found: _curves(found, "class"),
        ("steps", "views"),
        tuple(f"view-{kind}" for kind in OBJECTS),
        ViewConfig,
    ),
    "table5": Target(
        table5,
        lambda rows: scenes_table(best_rows(rows, ("scene", "protocol", "init", "rule"))),
        _novel_views,
        ("steps", "objectives", "inits"),
        ("tourism-town", "tourism-town-joint"),
        PhotoConfig,
    ),
    "figure-tourism": Target(
        figure_tourism,
        _steps_by("scene"),
        _appearance_transfers,
        ("steps",),
        ("tourism-town",),
        PhotoConfig,
    ),
    "figure-images": Target(figure_images, classes_table, _galleries, ("steps",)),
    "figure-curves": Target(figure_curves, classes_table, _curves, ("steps",)),
    "figure-training": Target(
        figure_training,
        minutes_table,
        lambda found: {"minutes.png": minutes_curve(found.rows)},
        data=SignalConfig,
    ),
}

TARGETS["figure-shapenet"] = replace(TARGETS["table4"], measure=figure_shapenet)


def target_of(name: str, options: Options) -> Target:
    """A table or figure by name.

    Raises:
        InputError: The name is unknown, or an option that is given does not apply.
    """
    if name not in TARGETS:
        near = difflib.get_close_matches(name, TARGETS, n=2, cutoff=0.4)
        hint = f"did you mean {' or '.join(near)}?" if near else f"choose from {', '.join(TARGETS)}"
        raise InputError(f"unknown table or figure {name!r}; {hint}")
    others = {option for target in TARGETS.values() for option in target.options}
    others -= set(TARGETS[name].options)
    given = [option for option, value in vars(options).items() if value is not None]
    wrong = [f"--{option.replace('_', '-')}" for option in given if option in others]
    if wrong:
        them = "it" if len(wrong) == 1 else "them"
        raise InputError(f"{name} has no {', '.join(wrong)}; leave {them} out")
    return TARGETS[name]
