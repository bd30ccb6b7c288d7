"""Errors as a line for the user and an exit code: what was expected, and what was not."""

import errno
import os
import traceback
from collections.abc import Collection, Sequence
from pathlib import Path

from theta0.errors import DivergedError, InputError, MissingExtra

from ._messages import as_option

_FULL = (errno.ENOSPC, errno.EDQUOT)


def in_a_line(
    error: BaseException, options: Collection[str], plugins: Sequence[str]
) -> tuple[str, int]:
    """What to tell of an error.

    Args:
        error: whatever a command raised.
        options: names of the command's settings that are options.
        plugins: files of plug-ins, which are named where they raised it.

    Returns:
        One line, and the exit code: 1 failed, 2 bad input.
    """
    of_plugin = _of_plugin(error, plugins)
    if isinstance(error, InputError | MissingExtra):
        return as_option(str(error), options) + (f" ({of_plugin})" if of_plugin else ""), 2
    if isinstance(error, DivergedError):
        return str(error), 1
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", 1
    if of_plugin:
        return of_plugin, 2
    said = _said(error)
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in said:
        return f"not enough memory for what was asked for; choose smaller sizes ({said})", 2
    if (platforms := os.environ.get("JAX_PLATFORMS")) and _lacks_device():
        return (
            f"JAX finds no device as JAX_PLATFORMS={platforms} asks for; unset it, or install the "
            f"extra of that accelerator, such as 'theta0[cuda13]' ({said or type(error).__name__})",
            2,
        )
    if isinstance(error, OSError):
        if error.errno in _FULL:
            where = error.filename or "the results"
            return f"{where}: the disk is full; free some space, and run the command again", 1
        return (f"{error.filename}: {error.strerror}" if error.filename else said), 1
    whose = f"unless {', '.join(plugins)} is at fault, it is one" if plugins else "this is a fault"
    return (
        f"unexpected {type(error).__name__}: {said}; {whose} of theta0: please report it, with the "
        "command and what it prints with --traceback",
        1,
    )


def _lacks_device() -> bool:
    """Whether JAX has no device to compute on, which it may tell by any error."""
    import jax

    try:
        return not jax.devices()
    except Exception:
        return True


def _said(error: BaseException) -> str:
    """The message of an error, in one line that is not too long."""
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]}…"


def _of_plugin(error: BaseException, plugins: Sequence[str]) -> str | None:
    """Which plug-in an error came from, or what caused it, and where; None if from none."""
    files = {str(path): given for given in plugins for path in (Path(given), Path(given).resolve())}
    cause: BaseException | None = error
    while cause is not None:
        frames = traceback.extract_tb(cause.__traceback__)
        lines = [frame for frame in frames if frame.filename in files]
        # An input that it refuses by itself is told as any other.
        if lines and not isinstance(cause, InputError | KeyboardInterrupt):
            where = f"--plugin {files[lines[-1].filename]}: line {lines[-1].lineno}"
            return f"{where}: {type(cause).__name__}: {_said(cause)}"
        cause = cause.__cause__
    return None
