"""What all commands share: the terminal, errors and exit codes, progress."""

import io
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from theta0.errors import DivergedError, InputError, MissingExtra, RenderError
from theta0.files import json_line

console = Console(stderr=True, highlight=False)

Arguments = TypeVar("Arguments")

# Settings keep their pair --x, --no-x: a run is resumed by the words it was started with, when the
# default is already what they say.
Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]
"""What a command is told to do or not, without a --no- form"""


def guarded(command: Callable[[list[str]], dict[str, Any]], argv: list[str]) -> int:
    """Run a command; turn its result into JSON and its errors into a line and an exit code."""
    as_json = "--json" in argv
    rest = [argument for argument in argv[1:] if argument != "--json"]
    try:
        result, code = command(rest), 0
    except SystemExit as end:  # --help
        return int(end.code or 0)
    except (InputError, MissingExtra) as error:
        result, code = {"error": str(error)}, 2
    except (DivergedError, RenderError) as error:
        result, code = {"error": str(error)}, 1
    except KeyboardInterrupt:
        result, code = {"error": "interrupted"}, 1
    except MemoryError as error:
        result, code = {"error": f"not enough memory for what was asked for ({error})"}, 2
    except OSError as error:
        result, code = {"error": f"{type(error).__name__}: {error}"}, 1
    if "error" in result:
        console.print(
            f"theta0: error: {result['error']}", style="red", markup=False, soft_wrap=True
        )
    if as_json:
        print(json_line(result), flush=True)
    return code


def parse(kind: type[Arguments], argv: list[str], command: str, **options: Any) -> Arguments:
    """Arguments of a command; ``--help`` prints them and ends the program.

    Raises:
        InputError: an option or value that cannot be used.
    """
    config = (
        tyro.conf.AvoidSubcommands,
        tyro.conf.PositionalMetavarFromFieldName,
    )
    box = io.StringIO()
    try:
        with redirect_stderr(box):
            return tyro.cli(kind, args=argv, prog=f"theta0 {command}", config=config, **options)
    except BrokenPipeError:  # of --help, the only text here: nobody reads on
        raise SystemExit(0) from None
    except SystemExit as end:
        if not end.code:
            raise
        raise InputError(_one_line(box.getvalue(), command)) from None


def _one_line(box: str, command: str) -> str:
    """Tyro's framed message without the frame, its title and the help it repeats."""
    # A terminal that knows ASCII alone gets other frames.
    box = re.sub(r"\x1b\[[0-9;]*m", "", box).replace("─", "-").replace("│", "|")
    text = " ".join(line.strip("| ") for line in box.splitlines()[1:-1])
    text = " ".join(re.sub("^-{9,}", "", text).split())
    # "Got errors": what it could not make of a word, for each type it tried.
    text = re.split("-{9}|Got errors:", text)[0].replace("{None}|", "")
    # What a part of an experiment refuses: the options' names for those of the code.
    dashes = lambda name: name.replace("_", "-")
    text = re.sub(
        r"Error parsing experiment\.(\S+): (\w+ is )?",
        lambda found: f"--{found[1]}" + (f".{dashes(found[2])}" if found[2] else ": "),
        text,
    )
    return f"{text.rstrip('. ')}; see theta0 {command} --help"


def require_folder(path: Path) -> None:
    """Refuse a place for results that is a file, lies below one, or cannot be written."""
    found = next(part for part in (path, *path.absolute().parents) if part.exists())
    if not found.is_dir():
        raise InputError(f"{found} is a file, not a folder for results; give another --out")
    if not os.access(found, os.W_OK | os.X_OK):
        raise InputError(f"{found} may not be written; give another --out")


def say(text: str) -> None:
    """A line for the user."""
    console.print(text, markup=False, soft_wrap=True)


@contextmanager
def resumable(more: str = "") -> Iterator[None]:
    """At Ctrl-C, say that the same command goes on where it was, and what ``more`` there is."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"stopped; the same command goes on from here{more}")
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
    last = time.monotonic() - 10.0  # what is begun is told at once; it may take minutes
    first: tuple[float, float] | None = None

    def update(done: int | float, text: str) -> None:
        nonlocal first, last
        now = time.monotonic()
        if first is None:  # before it lay the compilation, or the part of a run that is resumed
            first = now, float(done)
        if now - last >= 10 or done >= total:
            last = now
            words = [f"{done:.0f}/{total:.0f} {unit}", *([text] if text else [])]
            if first[1] < done < total:
                left = (now - first[0]) * (total - done) / (done - first[1])
                words.append(f"{left:.0f} s left")
            print(", ".join(words), file=sys.stderr, flush=True)

    return update
