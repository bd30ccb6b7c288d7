"""Finds classes of meshes: folders, ShapeNetCore, and catalogues of Sweet Home 3D.

    CHAIRS/*.glb                                  class CHAIRS
    MESHES/chairs/*.glb                           class chairs
    SHAPENET/03001627/<id>/model.obj              ShapeNetCore v1: class 03001627
    SHAPENET/03001627/<id>/models/model_normalized.obj            v2: the same
    catalogue.sh3f                                its categories

Credits are read from a table index.csv with the columns file, name, source, licence and creator, in
the folder or its parent. `file` is relative to the table.
"""

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from theta0.data._files import visible_files
from theta0.data.meshes._limits import MeshLimits
from theta0.data.meshes._mesh import Mesh
from theta0.data.meshes._read import MESH_SUFFIXES, read_mesh
from theta0.data.meshes._sh3f import read_catalogue
from theta0.data.meshes._stores import FolderStore, Store, ZipStore, inside
from theta0.errors import InputError

INDEX = "index.csv"
CATALOGUE = ".sh3f"


@dataclass(frozen=True)
class Credit:
    """The origin of an object; unknown entries are empty."""

    name: str
    source: str = ""
    licence: str = ""
    creator: str = ""


@dataclass(frozen=True, eq=False)
class MeshObject:
    """An object that can be read.

    Attributes:
        category: Its class.
        id: Its name in the class; a valid folder name, like `category`.
        credit: Its origin.
        place: The folder or catalogue that contains it.
        member: Its file there; empty: the catalogue itself cannot be read.
        rotation: The rotation given by a catalogue, in the axes of the file.
        size: Extents along x, y and z of the upright mesh, given by a catalogue.
        problem: Why it cannot be read, if that is known.
    """

    category: str
    id: str
    credit: Credit
    place: Path
    member: str
    rotation: Float[np.ndarray, "3 3"] | None = None
    size: Float[np.ndarray, " 3"] | None = None
    problem: str | None = None

    @property
    def key(self) -> str:
        """Category and id, which identify an object."""
        return f"{self.category}/{self.id}"

    @property
    def file(self) -> str:
        """Where it is, for messages."""
        if self.place.is_dir():
            return str(self.place / self.member)
        return f"{self.place}: {self.member}" if self.member else str(self.place)

    def read(self, limits: MeshLimits | None = None, up: str | None = None) -> Mesh:
        """Read it; see `read_mesh`.

        Raises:
            InputError: It cannot be read; the message names its file.
        """
        limits = limits or MeshLimits()
        if self.problem:
            raise InputError(f"{self.file}: {self.problem}")
        store, name = self._opened(limits)
        mesh = read_mesh(store, name, limits, up, self.rotation)
        return mesh if self.size is None else mesh.fitted(self.size)

    def _opened(self, limits: MeshLimits) -> tuple[Store, str]:
        """The store and the name in it; models in a catalogue may be archives themselves."""
        if self.place.is_dir():
            return FolderStore(self.place, limits.bytes, self.member), self.member
        catalogue = ZipStore(str(self.place), self.place, limits.bytes)
        if not self.member.lower().endswith(".zip"):
            return catalogue, self.member
        inner = ZipStore(self.file, catalogue.read(self.member), limits.bytes)
        # Those whose names lead out of the archive are refused only if there is no other.
        models = sorted(
            (name for name in inner.names() if name.lower().endswith(MESH_SUFFIXES)), key=_leads_out
        )
        if not models:
            raise InputError(f"{self.file}: holds no mesh; supported are {' '.join(MESH_SUFFIXES)}")
        return inner, models[0]


def find_meshes(
    path: str | Path, category: str | None = None, match: str | None = None
) -> tuple[MeshObject, ...]:
    """Find the objects in a folder and its subfolders, or of one mesh or catalogue.

    Args:
        path: A folder, a mesh or a catalogue.
        category: The class of all objects; None: see the module.
        match: Keep only objects whose class, id or name matches this regular expression, ignoring
            case.

    Returns:
        The objects, sorted by class and id.

    Raises:
        InputError: There is no object, or an argument is invalid.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path")
    folder = path if path.is_dir() else path.parent
    files = [path] if path.is_file() else visible_files(path)
    credits = _credits(folder)
    found: list[MeshObject] = []
    for file in files:
        if file.suffix.lower() == CATALOGUE:
            found += _furniture(file)
        elif file.suffix.lower() in MESH_SUFFIXES:
            found.append(_object(folder, file, credits, bool(category)))
    if found and not any(one.member for one in found):
        raise InputError(f"{found[0].file}: {found[0].problem}")
    if category is not None:
        found = [replace(one, category=_folder_name(category)) for one in found]
    found = [one for one in found if not one.member or _matches(one, match)]
    if not found:
        among = "" if match is None else f" that match={match!r} is found in"
        raise InputError(
            f"{path}: holds no objects{among}; supported are "
            f"{' '.join((*MESH_SUFFIXES, CATALOGUE))}"
        )
    return _distinct(sorted(found, key=lambda one: (one.key, one.member)))


def _object(folder: Path, file: Path, credits: dict[Path, Credit], one_class: bool) -> MeshObject:
    """The object of a mesh file; class and id follow from the path."""
    member = file.relative_to(folder)
    parts = list(member.with_suffix("").parts)
    if parts[-1] == "model_normalized" and parts[-2:-1] == ["models"] and len(parts) > 2:
        parts = parts[:-2]
    elif parts[-1] == "model" and len(parts) > 1:
        parts = parts[:-1]
    category = folder.resolve().name
    if len(parts) > 1 and not one_class:
        category, *parts = parts
    return MeshObject(
        **_named(category, "-".join(parts), "unnamed"),
        credit=credits.get(file.resolve(), Credit(parts[-1])),
        place=folder,
        member=member.as_posix(),
    )


def _furniture(file: Path) -> list[MeshObject]:
    """The pieces of a catalogue; if it cannot be read, an object without a mesh."""
    try:
        pieces = read_catalogue(file)
    except InputError as error:
        problem = str(error).removeprefix(f"{file}: ")
        names = _named("catalogues", file.stem, "catalogue", problem)
        return [MeshObject(**names, credit=Credit(file.stem), place=file, member="")]
    return [
        MeshObject(
            **_named(
                piece.category,
                f"{file.stem}-{piece.number:03d}-{piece.name}",
                f"piece-{piece.number:03d}",
                piece.problem,
            ),
            credit=Credit(piece.name, file.name, piece.licence, piece.creator),
            place=file,
            member=piece.model,
            rotation=piece.rotation,
            size=piece.size,
        )
        for piece in pieces
    ]


def _named(category: str, name: str, instead: str, problem: str | None = None) -> dict[str, Any]:
    """Category, id and problem of an object: one if a name cannot be used for a folder."""
    names = {}
    for key, text, other in (("category", category, "unnamed"), ("id", name, instead)):
        try:
            names[key] = _folder_name(text)
        except InputError as error:
            names[key], problem = other, problem or str(error)
    return names | {"problem": problem}


def _leads_out(name: str) -> bool:
    try:
        return not inside("", name)
    except InputError:
        return True


def _folder_name(text: str) -> str:
    """A name that is valid on every system: letters, digits, dots, hyphens and underscores."""
    name = re.sub(r"[^\w.-]+", "_", text).strip("._")[:100]
    surrogates = any("\ud800" <= letter <= "\udfff" for letter in text)  # no file can have them
    if not name or surrogates:
        raise InputError(f"{text!r}: is not a name for a class or an object; use letters")
    return name


def _matches(one: MeshObject, match: str | None) -> bool:
    try:
        return match is None or bool(
            re.search(match, f"{one.category}/{one.id} {one.credit.name}", re.IGNORECASE)
        )
    except re.error as error:
        raise InputError(f"match={match!r} is not a regular expression ({error})") from error


def _distinct(objects: list[MeshObject]) -> tuple[MeshObject, ...]:
    """Append 2, 3 ... to the ids of objects that would share a folder on some system."""
    seen: Counter[str] = Counter()
    distinct = []
    for one in objects:
        while (again := seen[one.key.lower()]) > 0:
            seen[one.key.lower()] += 1
            one = replace(one, id=f"{one.id}-{again + 1}")
        seen[one.key.lower()] += 1
        distinct.append(one)
    return tuple(distinct)


def _credits(folder: Path) -> dict[Path, Credit]:
    """The credits in tables, by file."""
    credits: dict[Path, Credit] = {}
    for place in (folder.resolve().parent, folder.resolve()):
        table = place / INDEX
        if not table.is_file():
            continue
        with table.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
            for row in csv.DictReader(stream):
                words = {key: (row.get(key) or "").strip() for key in ("file", *_COLUMNS)}
                file = (place / words.pop("file")).resolve()
                words["name"] = words["name"] or file.stem
                credits[file] = Credit(**words)
    return credits


_COLUMNS = ("name", "source", "licence", "creator")
