"""``theta0 import``: an initialization of the paper's authors, a Haiku pickle, as a theta0 file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from theta0.errors import InputError
from theta0.fields import count_weights
from theta0.inits import import_haiku
from theta0.signals import LARGEST_SIZE

from ._common import Flag, command_words, parse, require_folder, say

EXAMPLES = """Convert a pickle of Haiku parameters, as the paper's authors saved their
initialization for faces, to a .safetensors file that fit, eval and info take. Nothing in the pickle
is executed: only float arrays in Haiku's dicts are read, and a file that asks for anything else is
refused.

examples:
  theta0 import celeba.pkl
  theta0 import celeba.pkl --out celeba.safetensors --credit "Tancik et al. 2021, MIT"
  theta0 import faces.pkl --w0 30 --size 128
"""


@dataclass
class Import:
    """Arguments of ``theta0 import``."""

    file: tyro.conf.Positional[Path]
    """pickle of a SIREN's Haiku parameters"""
    out: Path | None = None
    """.safetensors file to write; the pickle's name, in the working directory, when left out"""
    name: str | None = None
    """name of the initialization; the pickle's name when left out"""
    credit: str | None = None
    """author and licence, recorded in the file"""
    w0: float = 200.0
    """frequency factor of the network, which the pickle does not hold"""
    size: int = 178
    """pictures are fitted at this many pixels per side"""
    overwrite: Flag = False
    """replace the file if it exists"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(Import, argv, "import", description=EXAMPLES)
    if not 2 <= arguments.size <= LARGEST_SIZE:
        raise InputError(f"--size {arguments.size}: give 2 to {LARGEST_SIZE} pixels")
    # Appended, where with_suffix would take the end of "maml-0.5" for a suffix.
    out = arguments.out or Path(f"{arguments.file.stem}.safetensors")
    _require_free(out, arguments.overwrite)
    initialization = import_haiku(
        arguments.file, arguments.name, arguments.w0, arguments.size, arguments.credit
    )
    initialization.save(out)
    weights = count_weights(initialization.field)
    say(f"{initialization.description.name}: a SIREN of {weights:,} weights")
    say(f"saved as {out}; next: {command_words('fit', out, 'photo.jpg')}")
    return {
        "init": str(out),
        "name": initialization.description.name,
        "weights": weights,
        **initialization.description.provenance,
    }


def _require_free(out: Path, overwrite: bool) -> None:
    """Refuse a file of another kind, or one that is there already."""
    if out.suffix != ".safetensors":
        raise InputError(f"--out {out}: give a name that ends in .safetensors")
    if out.is_dir():
        raise InputError(f"--out {out}: is a folder; give a file in it")
    require_folder(out.parent)
    if out.exists() and not overwrite:
        raise InputError(f"{out} exists; give --overwrite, or another --out")
