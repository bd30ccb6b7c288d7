"""Reads zip archives whose directories may be damaged or forged.

The module zipfile refuses an archive as a whole if one name or version is invalid, and believes the
sizes that are declared. Here a member that cannot be read spoils nothing but itself.
(https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT)
"""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from theta0.errors import InputError

_File = io.BytesIO | io.BufferedReader

_STORED, _DEFLATED = 0, 8
_END, _END64_PLACE, _END64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_LARGE = 0xFFFFFFFF
_MOST_DIRECTORY = 64_000_000
"""Bytes of the largest directory, of about half a million members"""


@dataclass(frozen=True)
class Member:
    """A file in an archive, as the directory declares it."""

    name: str
    flags: int
    method: int
    crc: int
    stored: int
    size: int
    place: int


class Archive:
    """A zip archive.

    Attributes:
        members: The files by name, without folders; of two of a name, the last.
        twice: Names of which there are several.
    """

    def __init__(self, source: Path | bytes):
        """Read the directory.

        Raises:
            InputError: There is none, or it is damaged.
        """
        self._source = source
        self.members: dict[str, Member] = {}
        self.twice: set[str] = set()
        try:
            with self._opened() as file:
                members = _directory(file)
        except (struct.error, ValueError, OSError) as error:
            raise InputError(f"cannot be read as a zip archive ({error}); copy it again") from error
        for member in members:
            if member.name in self.members:
                self.twice.add(member.name)
            self.members[member.name] = member

    def _opened(self) -> _File:
        if isinstance(self._source, bytes):
            return io.BytesIO(self._source)
        return self._source.open("rb")

    def read(self, member: Member) -> bytes:
        """The content of a member; no more than its declared size is decompressed.

        Raises:
            InputError: It is encrypted, damaged, or compressed by another method than deflate.
        """
        if member.flags & 1:
            raise InputError(f"{member.name} is encrypted; store it without a password")
        if member.method not in (_STORED, _DEFLATED):
            raise InputError(
                f"{member.name} is compressed by method {member.method}; store it deflated"
            )
        try:
            with self._opened() as file:
                content = _content(file, member)
        except (struct.error, zlib.error, ValueError, OSError) as error:
            raise InputError(
                f"{member.name} cannot be read ({error}); copy the archive again"
            ) from error
        return content


def _directory(file: _File) -> list[Member]:
    """The members that the directory lists."""
    file.seek(0, io.SEEK_END)
    length = file.tell()
    tail_place = max(0, length - 65536 - 22)
    file.seek(tail_place)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0:
        raise ValueError("it has no directory")
    size, start = struct.unpack_from("<II", tail, at + 12)
    if tail[at - 20 : at - 16] == _END64_PLACE and tail[at - 76 : at - 72] == _END64:
        at -= 76  # the record of a large archive, and where it lies
        size, start = struct.unpack_from("<QQ", tail, at + 40)
    end = tail_place + at
    # What stands before the first member, such as a program, shifts all places.
    shift = end - size - start
    if not 0 <= end - size <= end or shift < 0 or size > _MOST_DIRECTORY:
        raise ValueError("its directory is damaged")
    file.seek(end - size)
    return _listed(file.read(size), shift)


def _listed(directory: bytes, shift: int) -> list[Member]:
    members, at = [], 0
    while directory[at : at + 4] == b"PK\x01\x02":
        flags, method, _, crc, stored, size = struct.unpack_from("<HHIIII", directory, at + 8)
        name_length, extra_length, comment_length = struct.unpack_from("<HHH", directory, at + 28)
        (place,) = struct.unpack_from("<I", directory, at + 42)
        names_end = at + 46 + name_length
        name = directory[at + 46 : names_end]
        extra = directory[names_end : names_end + extra_length]
        size, stored, place = _large(extra, size, stored, place)
        at = names_end + extra_length + comment_length
        if not name.endswith(b"/"):
            text = name.decode("utf-8" if flags & 0x800 else "cp437", "replace")
            members.append(Member(text, flags, method, crc, stored, size, place + shift))
    return members


def _large(extra: bytes, *values: int) -> list[int]:
    """Put the numbers of a large member in the place of those that do not fit into 32 bits."""
    at, numbers = 0, []
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            body = extra[at + 4 : at + 4 + length]
            numbers = list(struct.unpack(f"<{len(body) // 8}Q", body[: len(body) // 8 * 8]))
        at += 4 + length
    return [numbers.pop(0) if value == _LARGE and numbers else value for value in values]


def _content(file: _File, member: Member) -> bytes:
    if member.place + member.stored > file.seek(0, io.SEEK_END):  # memory is taken for all of it
        raise ValueError("it ends beyond the archive")
    file.seek(member.place)
    header = file.read(30)
    if header[:4] != b"PK\x03\x04":
        raise ValueError("it does not begin where the directory says")
    file.seek(sum(struct.unpack_from("<HH", header, 26)), io.SEEK_CUR)
    content = file.read(member.stored)
    if member.method == _DEFLATED:
        expander = zlib.decompressobj(-zlib.MAX_WBITS)
        content = expander.decompress(content, member.size + 1)
    if len(content) != member.size:
        raise ValueError("it has not the size that the directory declares")
    if zlib.crc32(content) != member.crc:
        raise ValueError("its checksum is wrong")
    return content
