"""Furniture catalogues of Sweet Home 3D (.sh3f), such as those of Debian's sweethome3d-furniture.

A catalogue is a zip archive of models with a list, PluginFurnitureCatalog.properties:

    name#1=Chair
    category#1=Living room
    model#1=/contributions/chair.obj      or a zip archive inside the archive
    modelRotation#1=1 0 0 0 1 0 0 0 1     optional: a matrix row by row, in the model's axes (y up)
    width#1=40                            optional, with depth#1 and height#1: of the upright model
    creator#1=eTeks                       optional, as is license#1; license= applies to all

(http://www.sweethome3d.com/javadoc/com/eteks/sweethome3d/io/DefaultFurnitureCatalog.html)
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from theta0.data.meshes._stores import ZipStore, inside
from theta0.errors import InputError

LIST = "PluginFurnitureCatalog.properties"

_MOST_BYTES = 4_000_000
"""Size of the longest list, of some ten thousand pieces"""

_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


@dataclass(frozen=True, eq=False)
class Piece:
    """One piece of furniture; `problem` is the reason if it cannot be loaded.

    Its model is rotated, then stretched to `size`: width, depth and height.
    """

    number: int
    name: str
    category: str
    model: str
    creator: str
    licence: str
    rotation: Float[np.ndarray, "3 3"] | None
    size: Float[np.ndarray, " 3"] | None
    problem: str | None


def read_catalogue(path: Path) -> list[Piece]:
    """Read the list of a catalogue.

    Raises:
        InputError: The archive is damaged, or has no list or too long a one.
    """
    store = ZipStore(str(path), path, _MOST_BYTES)
    values = parse_properties(store.read(LIST))
    numbers = sorted(
        int(key.removeprefix("model#")) for key in values if re.fullmatch(r"model#[0-9]{1,9}", key)
    )
    return [_piece(values, number) for number in numbers]


def _piece(values: dict[str, str], number: int) -> Piece:
    def value(key: str, otherwise: str = "") -> str:
        return values.get(f"{key}#{number}", otherwise)

    problem, model, rotation, size = None, value("model"), None, None
    try:
        model = inside("", model.lstrip("/"))
        rotation = _rotation(values.get(f"modelRotation#{number}"))
        size = _size([values.get(f"{key}#{number}") for key in ("width", "depth", "height")])
    except InputError as error:
        problem = str(error)
    return Piece(
        number=number,
        name=value("name", f"piece {number}"),
        category=value("category", "furniture"),
        model=model,
        creator=value("creator", values.get("provider", "")),
        licence=value("license", values.get("license", "")),
        rotation=rotation,
        size=size,
        problem=problem,
    )


def _rotation(text: str | None) -> Float[np.ndarray, "3 3"] | None:
    if text is None:
        return None
    try:
        matrix = np.array([float(word) for word in text.split()]).reshape(3, 3)
    except ValueError:
        matrix = np.zeros((3, 3))
    if not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-3):
        raise InputError(f"modelRotation is {text[:60]!r}; it is nine numbers, a rotation by rows")
    return matrix


def _size(texts: list[str | None]) -> Float[np.ndarray, " 3"] | None:
    """Width, depth and height; None without all of them."""
    if not all(texts):
        return None
    try:
        size = np.array([float(text or "") for text in texts])
    except ValueError:
        size = np.zeros(3)
    if not (np.isfinite(size) & (size > 0)).all():
        raise InputError(f"width, depth and height are {texts}; they are numbers above 0")
    return size


def parse_properties(content: bytes) -> dict[str, str]:
    r"""Read a Java properties file.

    >>> parse_properties(b"# a\nname\\#1 = Fauteuil d\\u00e9co\n")
    {'name#1': 'Fauteuil déco'}
    """
    # A line that ends in an odd number of backslashes is continued in the next.
    text = re.sub(r"(?<!\\)((?:\\\\)*)\\(?:\r\n|\r|\n)[ \t\f]*", r"\1", content.decode("latin-1"))
    values = {}
    for line in re.split(r"[\r\n]+", text):
        line = line.lstrip(" \t\f")
        if not line or line[0] in "#!":
            continue
        # The key ends at the first separator that is not escaped.
        match = re.match(r"((?:\\.|[^\\ \t\f=:])*)[ \t\f]*[=:]?[ \t\f]*(.*)", line)
        if match:
            values[_unescape(match[1])] = _unescape(match[2])
    return values


def _unescape(text: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[2])

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", replaced, text)
