"""``theta0 data``: write a class of pictures as one file, views of meshes, or posed photos."""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro

from theta0.data.images import write_npz
from theta0.errors import InputError
from theta0.presets import PRESETS, preset
from theta0.tasks import ImageConfig, ImageSource

from ._common import Flag, parse, progress_bar, require_folder, say

CLASSES = [name for name, scales in PRESETS.items() if isinstance(scales["cpu"].data, ImageConfig)]

EXAMPLES = f"""Write a class of pictures as the paper's authors keep theirs: one .npz file with the
arrays train_data and test_data, (pictures, size, size, 3) in bytes. Text and signed distances are
made by a procedure, the same for the same seed. The preset image-arrays reads such files.
`theta0 data render-views --help` tells how views of meshes are rendered, `theta0 data photos
--help` how it is found where photos of a place were taken, and `theta0 data tourist-town --help`
how photos of a made-up place are.

examples:
  theta0 data image-text --out data_2d_text.npz
  theta0 data image-sdf --size 128 --samples 1000 --seed 7
  theta0 data image-celeba --data celeba/ --out faces.npz
  theta0 data render-views meshes/ --out views
  theta0 data photos trip/ --out cathedral
  theta0 data tourist-town --out town

classes: {", ".join(CLASSES)}
"""


RENDER = "render-views"
PHOTOS = "photos"
TOWN = "tourist-town"


@dataclass
class Data:
    """Arguments of ``theta0 data``."""

    source: Annotated[ImageSource, tyro.conf.arg(name="")]
    size: int = 178
    """side of the pictures, in pixels"""
    data: str | None = None
    """where the pictures lie, for a class that is not made by a procedure"""
    out: Path | None = None
    """the file; CLASS.npz when left out"""
    overwrite: Flag = False
    """replace a file that is there already"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    if argv[:1] == [RENDER]:
        from ._render_views import main as render

        return render(argv[1:])
    if argv[:1] == [PHOTOS]:
        from ._photos import main as register

        return register(argv[1:])
    if argv[:1] == [TOWN]:
        from ._tourist_town import main as town

        return town(argv[1:])
    named = argv[0] if argv and not argv[0].startswith("-") else None
    if named is None and not {"-h", "--help"} & set(argv):
        raise InputError(
            f"name a class of pictures: theta0 data {'|'.join([*CLASSES, RENDER, PHOTOS, TOWN])}"
        )
    config = preset(named or "image-text", "paper").data
    if not isinstance(config, ImageConfig):
        raise InputError(f"{named} is no class of pictures; choose from {', '.join(CLASSES)}")
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
    with progress_bar(1, "of the pictures") as update:
        split = write_npz(source, out, size, lambda done, all_: update(done / all_, f"{done}"))
    say(f"{out}: {len(split.train)} pictures to learn from, {len(split.test)} for testing")
    say(f"next: theta0 train image-arrays --data {shlex.quote(str(out))}")
    return {
        "file": str(out),
        "train": len(split.train),
        "test": len(split.test),
        "size": size,
        "bytes": out.stat().st_size,
    }
