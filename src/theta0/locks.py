"""Locks on open files: they end with the process that holds them, however it ends."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from theta0.errors import InputError, note

LOCK = ".theta0.lock"
"""Name of the file that one run at a time holds in its folder."""


def lock(descriptor: int) -> bool:
    """Take the lock of an open file, without waiting.

    Args:
        descriptor: of the file; when it is closed, at the latest when the process ends, the lock
            is free again.

    Returns:
        Whether it was free.

    Raises:
        OSError: files cannot be locked where it lies, as on some network drives.
    """
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


@contextlib.contextmanager
def one_at_a_time(folder: Path, remedy: str) -> Iterator[None]:
    """Keep all others out of a folder while the block runs: other processes, and other threads.

    Args:
        folder: It is made if it does not exist.
        remedy: What the one that comes second can do, for the message.

    Raises:
        InputError: another one is in there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    while not (file := _locked(path, remedy)):
        pass
    try:
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        file.close()


def _locked(path: Path, remedy: str) -> IO[str] | None:
    """The file, open and locked; None if the one that held it has just removed it."""
    file = open(path, "a", encoding="utf-8")
    try:
        if not lock(file.fileno()):
            file.close()
            raise InputError(f"{path.parent}: another run{_holder(path)} writes there; {remedy}")
    except OSError as error:
        note(f"{path.parent}: cannot be locked ({error.strerror}); start no second run there")
        return file
    with contextlib.suppress(OSError):
        if os.path.samestat(os.fstat(file.fileno()), path.stat()):
            return file
    file.close()
    return None


def _holder(path: Path) -> str:
    """The process that wrote its number there, in words."""
    with contextlib.suppress(OSError, ValueError):
        return f" (process {int(path.read_text('utf-8')[:20])})"
    return ""
