"""Read-only access to a mesh and the files it refers to, in a folder or a zip archive.

A mesh refers to materials and textures by name, and so could refer to any file. Here names are only
looked up inside the given folder or archive, and declared sizes are checked before files are read.
Names that differ in capitals are found, as on the systems where most meshes are made.
"""

import os
import posixpath
from functools import lru_cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from theta0.data._files import existing_file
from theta0.data.meshes._zip import Archive
from theta0.errors import InputError


@runtime_checkable
class Store(Protocol):
    """Files by name."""

    def read(self, name: str) -> bytes:
        """The content of one file."""
        ...

    def where(self, name: str) -> str:
        """The whole name of a file, for messages."""
        ...


def inside(base: str, name: str) -> str:
    """The path in the store of a file that is named relative to its folder `base`.

    Raises:
        InputError: It leads out of the store, or is not a relative path.

    >>> inside("chair/models", "../images/texture.png")
    'chair/images/texture.png'
    """
    name = name.strip().replace("\\", "/")
    path = posixpath.normpath(posixpath.join(base, name))
    control = any(ord(letter) < 32 for letter in path)
    if path.startswith("/") or path.split("/")[0] in ("..", ".") or ":" in path or control:
        raise InputError(f"{name[:200]!r}: is not a file inside the folder or archive of the mesh")
    return path


class FolderStore:
    """The files below a folder."""

    def __init__(self, root: Path, max_bytes: int, member: str = ""):
        """Open it.

        Args:
            root: The folder.
            max_bytes: Size of the largest file that is read.
            member: The mesh. Links that lead to it are followed, others must stay in the folder.
        """
        self.root = root
        self._max_bytes = max_bytes
        self._member = member

    def where(self, name: str) -> str:
        """The path of a file."""
        return str(self.root / name)

    def read(self, name: str) -> bytes:
        """The content of one file.

        Raises:
            InputError: It is missing or too large, or a link out of the folder.
        """
        path = existing_file(self._found(inside("", name)))
        if path != self.root / self._member:
            shared = os.path.commonpath([self.root / posixpath.dirname(self._member), path])
            if not path.resolve().is_relative_to(Path(shared).resolve()):
                raise InputError(f"{path}: is a link out of the folder; put the file in its place")
        check_size(path.stat().st_size, self._max_bytes, f"{path}: ")
        return path.read_bytes()

    def _found(self, name: str) -> Path:
        """The file of that name, or the only one that differs from it in capitals alone."""
        path = self.root / name
        try:
            if path.exists():
                return path
            found = self.root
            for part in name.split("/"):
                found /= _alike(part, _listed(found))
        except (OSError, ValueError, KeyError):  # such as names that are too long
            return path
        return found


class ZipStore:
    """The members of a zip archive, read in memory."""

    def __init__(self, source: str, archive: Path | bytes, max_bytes: int):
        self.source = source
        self._max_bytes = max_bytes
        try:
            self._archive = _archive(archive) if isinstance(archive, Path) else Archive(archive)
        except InputError as error:
            raise InputError(f"{source}: {error}") from error

    def where(self, name: str) -> str:
        """The archive and the name in it."""
        return f"{self.source}: {name}"

    def names(self) -> list[str]:
        """The members in stored order, without folders."""
        return list(self._archive.members)

    def read(self, name: str) -> bytes:
        """The content of one member.

        Raises:
            InputError: It is missing, damaged, encrypted, or declares too large a size, or there
                are several of that name.
        """
        name = inside("", name)
        members = self._archive.members
        try:
            member = members[name if name in members else _alike(name, list(members))]
        except KeyError:
            raise InputError(f"{self.source}: holds no {name}; copy the archive again") from None
        if member.name in self._archive.twice:
            raise InputError(f"{self.source}: holds {name} several times; keep one of them")
        check_size(max(member.size, member.stored), self._max_bytes, f"{self.source}: {name}: ")
        try:
            return self._archive.read(member)
        except InputError as error:
            raise InputError(f"{self.source}: {error}") from error


def _archive(path: Path) -> Archive:
    """The directory of an archive, read once for all its members."""
    status = path.stat() if path.exists() else None
    return _read_archive(path, (status.st_mtime_ns, status.st_size) if status else None)


@lru_cache(maxsize=4)
def _read_archive(path: Path, version: tuple[int, int] | None) -> Archive:
    return Archive(path)


def _listed(folder: Path) -> list[str]:
    return os.listdir(folder)


def _alike(name: str, names: list[str]) -> str:
    """The one of the names that differs from a name in capitals alone; KeyError without one."""
    if name in names:
        return name
    found = [one for one in names if one.replace("\\", "/").casefold() == name.casefold()]
    if len(found) != 1:
        raise KeyError(name)
    return found[0]


def check_size(size: int, limit: int, source: str = "") -> None:
    """Refuse a file that is larger than the limit.

    Raises:
        InputError: It is larger.
    """
    if size > limit:
        raise InputError(
            f"{source}is {size / 1e6:.0f} MB, more than the limit of {limit / 1e6:.0f} MB; "
            "simplify the mesh, or raise the limit"
        )
