"""``theta0 data``: write a class of pictures as one file, views of meshes, or posed photos."""

import importlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from theta0.data.images import write_npz
from theta0.errors import InputError, did_you_mean
from theta0.presets import PRESETS, preset
from theta0.signals import ImageConfig, ImageSource

from ._common import Flag, command_words, parse, progress_bar, require_folder, say

CLASSES = [name for name, scales in PRESETS.items() if isinstance(scales["cpu"].data, ImageConfig)]

EXAMPLES = f"""Write a class of pictures in the format of the paper's authors: one .npz file with
the arrays train_data and test_data, (pictures, size, size, 3) in bytes. Text and signed distances
are procedural, the same for the same seed. The preset image-arrays reads such files. Each class has
options of its own: theta0 data CLASS --help.

Other data have commands of their own; --help of each tells more:
  theta0 data render-views   views of meshes, by path tracing
  theta0 data photos         cameras of tourist photographs, by structure from motion (COLMAP)
  theta0 data tourist-town   photographs of a procedural landmark

examples:
  theta0 data image-text --out data_2d_text.npz
  theta0 data image-sdf --size 128 --samples 1000 --seed 7
  theta0 data image-celeba --data celeba/ --out faces.npz
  theta0 data render-views meshes/ --out views
  theta0 data photos trip/ --out cathedral
  theta0 data tourist-town --out town

classes: {", ".join(CLASSES)}
"""


OTHERS = {
    "render-views": "._render_views",
    "photos": "._photos",
    "tourist-town": "._tourist_town",
}
"""Modules of the data that are no class of pictures"""


@dataclass
class Data:
    """Arguments of ``theta0 data``."""

    source: Annotated[ImageSource, tyro.conf.arg(name="")]
    size: int = 178
    """side of the pictures, in pixels"""
    data: str | None = None
    """where the pictures lie, of a class that is not procedural"""
    out: Path | None = None
    """file to write; CLASS.npz when left out"""
    overwrite: Flag = False
    """replace the file if it exists"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    if argv and argv[0] in OTHERS:
        return importlib.import_module(OTHERS[argv[0]], __package__).main(argv[1:])
    named = argv[0] if argv and not argv[0].startswith("-") else None
    if named is None and not {"-h", "--help"} & set(argv):
        raise InputError(f"name a class of pictures: theta0 data {'|'.join([*CLASSES, *OTHERS])}")
    config = preset(_require_class(named or "image-text"), "paper").data
    assert isinstance(config, ImageConfig)
    arguments = parse(
        Data, argv[1:] if named else argv, f"data {named or 'CLASS'}", description=EXAMPLES,
        default=Data(config.source),
    )  # fmt: skip
    config = replace(config, source=arguments.source)
    if arguments.data is not None:
        config = config.with_path(arguments.data)
    out = arguments.out or Path(f"{named}.npz")
    require_folder(out.parent)
    if out.is_file() and not arguments.overwrite:
        raise InputError(f"{out} exists; give --overwrite, or another --out")
    source, size = config.source, arguments.size
    with progress_bar(100, "%") as update:
        tell = lambda done, all_: update(100 * done / all_, f"{done} pictures")
        split = write_npz(source, out, size, tell)
    say(f"{out}: {len(split.train)} training pictures, {len(split.test)} test pictures")
    say(f"next: {command_words('train', 'image-arrays', '--data', out)}")
    return {
        "file": str(out),
        "train": len(split.train),
        "test": len(split.test),
        "size": size,
        "bytes": out.stat().st_size,
    }


def _require_class(named: str) -> str:
    """Refuse what is no class of pictures.

    Raises:
        InputError: names the nearest of what there is.
    """
    if named in CLASSES:
        return named
    hint = did_you_mean(named, [*CLASSES, *OTHERS])
    raise InputError(
        f"{named} is no class of pictures{hint}; choose from {', '.join([*CLASSES, *OTHERS])}"
    )
