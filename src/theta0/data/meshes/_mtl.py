"""Reads the colours and textures of Wavefront material libraries (.mtl).

Of a material, the diffuse colour Kd and its texture map_Kd are used, with the options -s, -o and
-clamp. Gloss is ignored; transparency, emission and relief are ignored with a note.
(http://paulbourke.net/dataformats/mtl)
"""

import posixpath
import re
from typing import Any

from theta0.data.meshes._looks import Look
from theta0.data.meshes._mesh import Sampling
from theta0.data.meshes._source import Source
from theta0.data.meshes._stores import check_size

_MOST_BYTES = 64_000_000

_MOST_LETTERS = 4096
"""Of a line; paths have no more"""

_IGNORED = {
    "map_d": "transparency", "map_tr": "transparency", "map_ke": "emission",
    "bump": "a bump map", "map_bump": "a bump map", "norm": "a normal map",
    "map_kn": "a normal map",
    "disp": "a displacement map", "map_disp": "a displacement map", "decal": "a decal",
    "map_aat": "anti-aliasing of textures",
}  # fmt: skip
"""Keys that change what is seen, and what to call it"""

_NUMBERS = {"-o": 3, "-s": 3, "-t": 3, "-mm": 2, "-bm": 1, "-boost": 1, "-texres": 1}
"""Options of a texture, and how many numbers they take at most"""

_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s+(?=\S)", re.IGNORECASE)
"""A number that something follows"""

_WORDS = ("-blendu", "-blendv", "-cc", "-clamp", "-imfchan", "-type")


Values = dict[str, str]
"""What follows each key of a material, in small letters, and its folder under the key '/'"""


def read_materials(source: Source, name: str) -> dict[str, Values]:
    """The materials of a library by name; none, with a note, if it is missing.

    Raises:
        InputError: It is longer than a million materials are.
    """
    found = source.beside(name)
    if found is None:
        return {}
    path, content = found
    check_size(len(content), _MOST_BYTES, f"its library {path} ")
    folder = posixpath.dirname(path)
    materials: dict[str, Values] = {}
    values: Values = {}
    text = text_of(content)
    if "\\" in text:
        text = re.sub(r"\\[ \t]*\r?\n", " ", text)
    for line in re.finditer(r"[^\r\n]+", text):
        key, _, rest = line[0].strip().replace("\t", " ").partition(" ")
        if key.lower() == "newmtl":
            values = materials.setdefault(rest.strip(), {"/": folder})
        elif key and not key.startswith("#"):
            values[key.lower()] = rest.strip()[:_MOST_LETTERS]
    return materials


def text_of(content: bytes) -> str:
    """Text in UTF-8, or else in Latin-1."""
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def material_look(source: Source, values: Values) -> Look:
    """The colour and the texture of a material.

    Raises:
        InputError: The texture is damaged.
    """
    if len(values) > 2:  # more than the folder and Kd
        _note_ignored(source, values)
    colour = None
    if "kd" in values:
        colour = _numbers(values["kd"])
        if len(colour) not in (1, 3):
            source.note(f"Kd {values['kd'][:60]} is ignored: it is not a number, or three")
            colour = None
        elif len(colour) == 1:
            colour *= 3
    if values.get("map_kd"):
        return _textured(source, values["/"], values["map_kd"], colour)
    if values.get("map_ka"):
        source.note("map_Ka is ignored")
    return Look(colour)


def _note_ignored(source: Source, values: Values) -> None:
    for key in values.keys() & _IGNORED.keys():
        source.note(f"{_IGNORED[key]} is ignored")
    opaque = _numbers(values.get("d", "").replace("-halo", "")) or (1.0,)
    through = _numbers(values.get("tr", "")) or (0.0,)
    # Some exporters write Tr for d: what is 1 in both cannot be told from opaque.
    if opaque[0] < 1 or 0 < through[0] < 1:
        source.note("transparency is ignored")
    if any(_numbers(values.get("ke", ""))):
        source.note("emission is ignored")


def _textured(source: Source, folder: str, rest: str, colour: tuple[float, ...] | None) -> Look:
    options, name = _options(rest)
    if colour and not any(colour):
        colour = None  # some exporters write black beside a texture that is meant unchanged
    if not name:
        source.note(f"map_Kd {rest[:60]} names no file")
        return Look(colour)
    for option in ("-cc", "-imfchan"):
        if options.get(option, ("off",))[0] != "off":
            source.note(f"the option {option} of map_Kd is ignored")
    if options.get("-mm", (0.0, 1.0)) != (0.0, 1.0) or any(options.get("-t", ())):
        source.note("the options -mm and -t of map_Kd are ignored")
    return Look(
        colour,
        source.texture(name, (folder,)),
        scale=_pair(options.get("-s", ()), 1.0),
        offset=_pair(options.get("-o", ()), 0.0),
        sampling=Sampling("clamp" if options.get("-clamp") == ("on",) else "repeat"),
    )


def _pair(numbers: tuple[float, ...], default: float) -> tuple[float, float]:
    one, other, *_ = (*numbers, default, default)
    return one, other


def _options(rest: str) -> tuple[dict[str, Any], str]:
    """The options of a texture, and its name, which may have spaces."""
    options: dict[str, Any] = {}
    while match := re.match(r"(-[a-z]+)\s+", rest, re.IGNORECASE):
        option = match[1].lower()
        if option not in _NUMBERS and option not in _WORDS:
            break
        rest = rest[match.end() :]
        if option in _WORDS:
            word, _, rest = rest.partition(" ")
            options[option], rest = (word.lower(),), rest.strip()
            continue
        numbers: list[float] = []
        # The last word is the name, even if it is a number.
        while len(numbers) < _NUMBERS[option] and (found := _NUMBER.match(rest)):
            numbers.append(float(found[1]))
            rest = rest[found.end() :]
        options[option] = tuple(numbers)
    return options, rest.strip().strip("\"'")


def _numbers(text: str) -> tuple[float, ...]:
    """The numbers of a line; none if there is anything else."""
    try:
        return tuple(float(word) for word in text.split("#")[0].split())
    except ValueError:
        return ()
