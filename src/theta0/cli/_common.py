"""What all commands share: the terminal, errors and exit codes, progress."""

import dataclasses
import io
import os
import shlex
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from theta0.errors import InputError, InputWarning
from theta0.files import json_line, remove_leftovers

from . import FLAGS
from ._errors import in_a_line
from ._help import WORDS
from ._messages import as_option, one_line
from ._repeated import joined, lists

console = Console(stderr=True, highlight=False, emoji=False)

Arguments = TypeVar("Arguments")

_options: list[str] = []
"""Names of the options of the command, which the errors of what it calls are told by"""

# Settings keep their pair --x, --no-x: a run is resumed by the words it was started with, when the
# default is already what they say.
Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]
"""An option without a value, and without a --no- form"""


def guarded(command: Callable[[list[str]], dict[str, Any]], argv: list[str]) -> int:
    """Run a command; turn its result into JSON and its errors into a line and an exit code."""
    _options.clear()
    rest = [argument for argument in argv[1:] if argument not in FLAGS]
    notes: list[str] = []
    told = lambda result: json_line(result | ({"warnings": notes} if notes else {}))
    try:
        with _noted(notes):
            line, code = told(command(rest)), 0
    except SystemExit as end:  # --help
        return end.code if isinstance(end.code, int) else 0
    except BaseException as error:
        if "--traceback" in argv:
            traceback.print_exception(error)
        message, code = in_a_line(error, _options, _plugins)
        console.print(f"theta0: error: {message}", style="red", markup=False, soft_wrap=True)
        line = told({"error": message})
    if "--json" in argv:
        print(line, flush=True)
    return code


@contextmanager
def _noted(notes: list[str]) -> Iterator[None]:
    """Show each :class:`InputWarning` within the block as a note, once, and add it to ``notes``."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", InputWarning)
        others = warnings.showwarning

        def show(message: Any, category: type[Warning], *place: Any) -> None:
            if not issubclass(category, InputWarning):
                others(message, category, *place)
            elif str(message) not in notes:
                notes.append(str(message))
                say(f"note: {message}")

        warnings.showwarning = show
        yield


def parse(kind: type[Arguments], argv: list[str], command: str, **options: Any) -> Arguments:
    """Arguments of a command; ``--help`` prints them and ends the program.

    Raises:
        InputError: an option or value that cannot be used.
    """
    _options[:] = _settings(kind, options.get("default"))
    config = (tyro.conf.AvoidSubcommands, tyro.conf.PositionalMetavarFromFieldName)
    options |= {"prog": f"theta0 {command}", "config": config, "registry": WORDS}
    box = io.StringIO()
    argv = joined(argv, lambda: lists(kind, options.get("default")))
    try:
        with redirect_stderr(box):
            return tyro.cli(kind, args=argv, **options)
    except BrokenPipeError:  # of --help, the only text here: nobody reads on
        raise SystemExit(0) from None
    except InputError as error:
        raise InputError(as_option(str(error))) from None
    except SystemExit as end:
        if not end.code:
            raise
        raise InputError(one_line(box.getvalue(), command)) from None


def _settings(kind: type, default: Any) -> list[str]:
    """Names of the settings that are options of their own, or begin the names of some."""
    names = []
    for field in dataclasses.fields(kind):
        value = getattr(default, field.name, None)
        within = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
        names += [field.name, *(inner.name for inner in within)]
    return names


def require_folder(path: Path) -> None:
    """Refuse a folder for results that is a file, lies below one, or cannot be written.

    What killed commands left there is removed.
    """
    found = next(part for part in (path, *path.absolute().parents) if part.exists())
    if not found.is_dir():
        raise InputError(f"{found} is a file, not a folder for results; give another --out")
    if not os.access(found, os.W_OK | os.X_OK):
        raise InputError(f"{found} may not be written to; give another --out")
    if path.is_dir():
        remove_leftovers(path)


_plugins: list[str] = []
"""Files of plug-ins that this process was given, which commands it names need as well"""


def with_plugins(paths: list[str]) -> None:
    """Say which files of plug-ins :func:`command_words` names from now on."""
    _plugins[:] = paths


def command_words(*words: object) -> str:
    """A command line that a user can copy: ``theta0 fit faces 'my photo.jpg'``."""
    plugins = (word for path in _plugins for word in ("--plugin", path))
    return shlex.join(["theta0", *plugins, *map(str, words)])


def say(text: str) -> None:
    """A line for the user."""
    console.print(text, markup=False, soft_wrap=True)


@contextmanager
def resumable(more: str = "") -> Iterator[None]:
    """At Ctrl-C, say that the same command continues from there, and what ``more`` there is."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"stopped; the same command continues from here{more}")
        raise


@contextmanager
def progress_bar(total: int | float, unit: str = "steps") -> Iterator[Callable[[float, str], None]]:
    """A progress bar on a terminal, a line every ten seconds elsewhere.

    Yields:
        A function of (amount done, text to show beside the bar).
    """
    if not console.is_terminal:
        yield _lines(total, unit)
        return
    columns = (
        TextColumn("{task.completed:.0f}/{task.total:.0f} " + unit),
        BarColumn(bar_width=30),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task: TaskID = bar.add_task("compiling", total=total)
        yield lambda done, text: bar.update(task, completed=done, description=text)


def _lines(total: int | float, unit: str) -> Callable[[float, str], None]:
    last = time.monotonic() - 10.0  # the first line comes at once; what follows may take minutes
    first: tuple[float, float] | None = None

    def update(done: int | float, text: str) -> None:
        nonlocal first, last
        now = time.monotonic()
        if first is None:  # before it came the compilation, or the part of a run that is resumed
            first = now, float(done)
        if now - last >= 10 or done >= total:
            last = now
            words = [f"{done:.0f}/{total:.0f} {unit}", *([text] if text else [])]
            if first[1] < done < total:
                left = (now - first[0]) * (total - done) / (done - first[1])
                words.append(f"{left:.0f} s left")
            print(", ".join(words), file=sys.stderr, flush=True)

    return update
