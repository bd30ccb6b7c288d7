"""Names of files in another encoding than UTF-8, or another Unicode form: told by what exists.

COLMAP on Windows writes names in the code page of the system, which the file does not name;
unzipped on another system the pictures have the same names in Unicode.
"""

import unicodedata
from collections.abc import Callable, Sequence

from theta0.errors import note

_ENCODINGS = (
    "cp1252 gb18030 cp932 cp949 big5 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874 "
    "euc_jp koi8_r cp437 cp850 cp852 cp866 mac_roman"
).split()


def existing_names(
    source: object, names: Sequence[str], exists: Callable[[str], bool]
) -> dict[str, str]:
    """The names as they exist, by the names as they were read.

    Args:
        source: Where they stand, for a note.
        names: Read as UTF-8, with surrogates for bytes that are not.
        exists: Whether there is something of a name.

    Returns:
        Those that cannot be told stay as they are, but with U+FFFD for bytes that are not UTF-8.
    """
    found = {name: _existing(name, exists) for name in names}
    lost = [name for name, one in found.items() if one is None and not name.isascii()]
    if not lost:
        return {name: one or name for name, one in found.items()}
    best, encoding = {}, None
    for one in _ENCODINGS:
        others = {name: _existing(_decoded(name, one), exists) for name in lost}
        others = {name: other for name, other in others.items() if other is not None}
        if len(others) > len(best):
            best, encoding = others, one
    if encoding is not None:
        note(
            f"{source}: {len(best)} names, such as {next(iter(best.values()))}, are in {encoding}, "
            "not in UTF-8; read as such"
        )
    readable = {name: _decoded(name, "utf-8") for name in names}
    return {name: found[name] or best.get(name) or readable[name] for name in names}


def is_utf8(name: str) -> bool:
    """Whether a name was UTF-8, so that it has no surrogates."""
    return _decoded(name, "utf-8") == name


def _decoded(name: str, encoding: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode(encoding, "replace")


def _existing(name: str, exists: Callable[[str], bool]) -> str | None:
    """The name, composed or decomposed (as macOS has it), that exists; None if none does."""
    forms = (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
    return next((form for form in forms if exists(form)), None)
