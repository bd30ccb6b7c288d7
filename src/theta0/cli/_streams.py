"""Streams and signals of the command: a closed or full one, or an alphabet too small, ends nothing.

No part of the library touches them; the command owns its process.
"""

import contextlib
import errno
import io
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from typing import Any

_NARROWEST = 40
"""Columns of the narrowest terminal that text is laid out for."""


def prepare() -> None:
    """Make stdout and stderr usable, whatever they were given as.

    What is written to stderr is for humans, who may have closed it: its errors are ignored. Writing
    to a stdout that is closed is an error, as it is to one that is full.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:  # closed: the next file that is opened would take its number
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = _Closed()
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # an ASCII terminal cannot show every file's name
            stream.reconfigure(errors="backslashreplace")
    # In a column or two the help would have thousands of lines, which take minutes to lay out.
    if shutil.get_terminal_size().columns < _NARROWEST:
        os.environ["COLUMNS"] = str(_NARROWEST)
    sys.stderr = _Unfailing(sys.stderr)  # pyright: ignore[reportAttributeAccessIssue]


@contextlib.contextmanager
def interrupts() -> Iterator[None]:
    """Within the block, to be terminated is to be interrupted, as by Ctrl-C."""
    names = ("SIGTERM", "SIGHUP")  # of which Windows has the first
    asked = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # What was ignored, as by nohup, stays so.
    asked = [number for number in asked if signal.getsignal(number) == signal.SIG_DFL]
    for number in asked:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in asked:
            signal.signal(number, signal.SIG_DFL)


class _Closed(io.TextIOBase):
    """A stdout that was closed before the program began."""

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "stdout is closed")


class _Unfailing:
    """A stream, without its errors."""

    def __init__(self, stream: Any):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()
