"""Splits the lines of text files into words, few enough at a time: words take much memory."""

from collections.abc import Iterator

from theta0.errors import InputError

BLOCK = 1 << 22
"""Bytes that are split at a time"""

_MOST_LINE = 1 << 20


def word_blocks(lines: Iterator[bytes], count: int) -> Iterator[list[list[bytes]]]:
    """The words of so many lines, in blocks.

    Raises:
        InputError: There are fewer lines, or one is too long.
    """
    while count:
        rows: list[list[bytes]] = []
        size = 0
        while count and size < BLOCK:
            line = next(lines, None)
            if line is None:
                raise InputError("ends before all it declares; copy it again")
            check_line(len(line))
            size += len(line)
            count -= 1
            rows.append(line.split())
        yield rows


def check_line(length: int) -> None:
    """Refuse a line that no mesh has.

    Raises:
        InputError: It is longer than a megabyte.
    """
    if length > _MOST_LINE:
        raise InputError(f"has a line of {length / 1e6:.0f} MB; export it again")
