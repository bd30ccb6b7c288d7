"""``theta0 data render-views``: training views of meshes."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from theta0.data.meshes import MeshLimits, RenderConfig, Rendered, find_meshes, render_views
from theta0.errors import InputError, note

from ._common import parse, progress_bar, require_folder, say

EXAMPLES = """Render views of meshes by path tracing, in the format of the paper's authors: a folder
per object with transforms.json and RGBA pictures, {class}_splits.json, and credits.json. MESHES may
hold .obj, .glb, .gltf, .ply and .off files, ShapeNetCore, or .sh3f catalogues of Sweet Home 3D; its
folders, or the categories of a catalogue, are the classes. Objects stand upright in the unit
sphere. Finished views are kept, so an interrupted run continues; meshes that cannot be read are
listed and skipped. Needs pip install 'theta0[render]'.

examples:
  theta0 data render-views chairs/ --out views
  theta0 data render-views ShapeNetCore.v2/03001627 --class chair --out views --augment 4
  theta0 data render-views KatorLegaz.sh3f --match chair --class chair --out views
  theta0 data render-views car.glb --class car --validation 0 --test 0 --out views --size 64
"""


@dataclass
class RenderViews:
    """Arguments of ``theta0 data render-views``."""

    meshes: tyro.conf.Positional[Path]
    """folder of meshes, mesh, or catalogue"""
    out: Path
    """folder for the views; views that it holds already are kept"""
    class_: Annotated[str | None, tyro.conf.arg(name="class")] = None
    """class of all objects; named after their folders when left out"""
    match: str | None = None
    """render only objects whose class, file or name matches this regular expression"""
    validation: int | float = 0.1
    """objects of each class for the validation split: a number, or a fraction below 1"""
    test: int | float = 0.1
    """objects of each class for the test split: a number, or a fraction below 1"""
    group: str | None = None
    """regular expression; objects for which its first group is the same, such as car1 of car1_red
    and car1_blue, stay in one part of the split"""
    augment: int = 0
    """number of variants of each training object: stretched, mirrored, recoloured"""
    render: Annotated[RenderConfig, tyro.conf.arg(name="")] = field(default_factory=RenderConfig)
    max: Annotated[MeshLimits, tyro.conf.arg(name="max")] = field(default_factory=MeshLimits)


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(RenderViews, argv, "data render-views", description=EXAMPLES)
    require_folder(arguments.out)
    objects = find_meshes(arguments.meshes, arguments.class_, arguments.match)
    say(f"{len(objects)} objects: " + _counted(Counter(one.category for one in objects)))
    total = arguments.render.views * len(objects)
    with progress_bar(total, "views") as update:
        rendered = render_views(
            objects,
            arguments.out,
            arguments.render,
            validation=arguments.validation,
            test=arguments.test,
            group=arguments.group,
            augment=arguments.augment,
            limits=arguments.max,
            progress=lambda done, all_, text: update(done / all_ * total, text),
        )
    return _told(arguments.out, rendered)


def _told(out: Path, rendered: Rendered) -> dict[str, Any]:
    """Say what was done; returns it for ``--json``."""
    for one, text in rendered.notes:
        note(f"{one}: {text}")
    if len(rendered.skipped) == 1 and not rendered.classes:
        raise InputError(": ".join(rendered.skipped[0]))
    for file, reason in rendered.skipped:
        say(f"skipped {file}: {reason}")
    counts = {
        category: {part: len(names) for part, names in parts.items()}
        for category, parts in rendered.classes.items()
    }
    if not counts:
        raise InputError(
            f"none of the {len(rendered.skipped)} objects could be rendered; export them again"
        )
    for category, parts in counts.items():
        say(f"{out / category}: {_counted(parts)}")
    say(f"{out / 'credits.csv'}: authors and licences")
    return {
        "out": str(out),
        "classes": counts,
        "rendered": rendered.new,
        "kept": rendered.kept,
        "skipped": dict(rendered.skipped),
        "notes": [{"object": one, "note": text} for one, text in rendered.notes],
    }


def _counted(counts: dict[Any, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
