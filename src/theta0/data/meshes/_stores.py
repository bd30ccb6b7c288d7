"""Read-only access to a mesh and the files it refers to, in a folder or a zip archive.

A mesh refers to materials and textures by name, and so could refer to any file. Here names are only
looked up inside the given folder or archive, and declared sizes are checked before files are read.
"""

import io
import posixpath
import zipfile
from pathlib import Path
from typing import Protocol, runtime_checkable

from theta0.data._files import existing_file, reason
from theta0.errors import InputError


@runtime_checkable
class Store(Protocol):
    """Files by name."""

    def read(self, name: str) -> bytes:
        """The content of one file."""
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
    if path.startswith(("/", "..")) or ":" in path or "\0" in path or path == ".":
        raise InputError(f"{name!r}: is not a file inside the folder or archive of the mesh")
    return path


class FolderStore:
    """The files below a folder."""

    def __init__(self, root: Path, max_bytes: int):
        self.root = root
        self._max_bytes = max_bytes

    def read(self, name: str) -> bytes:
        """The content of one file.

        Raises:
            InputError: It is missing or too large.
        """
        path = existing_file(self.root / inside("", name))
        check_size(str(path), path.stat().st_size, self._max_bytes)
        return path.read_bytes()


class ZipStore:
    """The members of a zip archive, read in memory."""

    def __init__(self, source: str, archive: Path | bytes, max_bytes: int):
        self.source = source
        self._max_bytes = max_bytes
        try:
            self._zip = zipfile.ZipFile(
                io.BytesIO(archive) if isinstance(archive, bytes) else archive
            )
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(
                f"{source}: cannot be read as a zip archive ({reason(error)}); copy it again"
            ) from error

    def names(self) -> list[str]:
        """The members in stored order, without folders."""
        return [name for name in self._zip.namelist() if not name.endswith("/")]

    def read(self, name: str) -> bytes:
        """The content of one member.

        Raises:
            InputError: It is missing, damaged, encrypted, or declares too large a size.
        """
        name = inside("", name)
        try:
            member = self._zip.getinfo(name)
        except KeyError:
            raise InputError(f"{self.source}: holds no {name}; copy the archive again") from None
        check_size(f"{self.source}: {name}", member.file_size, self._max_bytes)
        try:
            return self._zip.read(member)  # at most the declared size
        except Exception as error:  # zipfile and zlib raise many types
            raise InputError(
                f"{self.source}: {name} cannot be read ({reason(error)}); copy the archive again"
            ) from error


def check_size(source: str, size: int, limit: int) -> None:
    """Refuse a file that is larger than the limit.

    Raises:
        InputError: It is larger.
    """
    if size > limit:
        raise InputError(
            f"{source}: is {size / 1e6:.0f} MB, more than the limit of {limit / 1e6:.0f} MB; "
            "simplify the mesh, or raise the limit"
        )
