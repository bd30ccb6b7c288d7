"""Streams and signals of the command: a closed or full one, or an alphabet too small, ends nothing.

No part of the library touches them; the command owns its process.
"""

import _thread
import contextlib
import errno
import io
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
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
    """Within the block, to be terminated is to be interrupted, as by Ctrl-C.

    Until :func:`work_begins` there is nothing to save, and an interrupt ends the process at once:
    raised while libraries are imported, it would be swallowed or crash them.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # of which Windows has the first two
    asked = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # What was ignored, as by nohup, stays so.
    usual = (signal.SIG_DFL, signal.default_int_handler)
    before = {number: signal.getsignal(number) for number in asked}
    before = {number: handler for number, handler in before.items() if handler in usual}
    hook = sys.unraisablehook
    for number in before:
        signal.signal(number, _end)
    try:
        yield
    finally:
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


def work_begins() -> None:
    """From here on interrupts are raised, so that what was done can be saved."""
    ours = [number for number in signal.valid_signals() if signal.getsignal(number) is _end]
    for number in ours:
        signal.signal(number, signal.default_int_handler)
    if ours:
        sys.unraisablehook = _once_more(sys.unraisablehook)


def interrupted() -> None:
    """Say that the command was interrupted before it could answer by itself."""
    print("theta0: error: interrupted", file=sys.stderr, flush=True)
    if "--json" in sys.argv:
        with contextlib.suppress(OSError):
            print('{"error": "interrupted"}', flush=True)


def _end(number: int, frame: Any) -> None:
    interrupted()
    os._exit(1)


def _once_more(others: Callable[[Any], object]) -> Callable[[Any], None]:
    """Raise an interrupt again that came where Python ignores errors, as in a callback of JAX."""

    def hook(ignored: Any) -> None:
        if issubclass(ignored.exc_type, KeyboardInterrupt):
            threading.Timer(0.01, _thread.interrupt_main).start()
        else:
            others(ignored)

    return hook


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
