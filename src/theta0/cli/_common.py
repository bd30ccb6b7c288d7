"""What all commands share: the terminal, errors and exit codes, progress."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import tyro
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from theta0.errors import DivergedError, InputError, MissingExtra

console = Console(stderr=True, highlight=False)

Arguments = TypeVar("Arguments")


def guarded(command: Callable[[list[str]], dict[str, Any]], argv: list[str]) -> int:
    """Run a command; turn its result into JSON and its errors into a line and an exit code."""
    as_json = "--json" in argv
    rest = [argument for argument in argv[1:] if argument != "--json"]
    try:
        result, code = command(rest), 0
    except (InputError, MissingExtra, DivergedError) as error:
        result, code = {"error": str(error)}, 2
    except KeyboardInterrupt:
        result, code = {"error": "interrupted; what was saved is kept"}, 1
    except OSError as error:
        result, code = {"error": f"{type(error).__name__}: {error}"}, 1
    if "error" in result:
        console.print(
            f"theta0: error: {result['error']}", style="red", markup=False, soft_wrap=True
        )
    if as_json:
        print(json.dumps(result), flush=True)
    return code


def parse(kind: type[Arguments], argv: list[str], command: str, **options: Any) -> Arguments:
    """Arguments of a command; ``--help`` and wrong ones end the program (exit codes 0 and 2)."""
    return tyro.cli(kind, args=argv, prog=f"theta0 {command}", **options)


def say(text: str) -> None:
    """A line for the user."""
    console.print(text, markup=False, soft_wrap=True)


@contextmanager
def progress_bar(total: float, unit: str = "steps") -> Iterator[Callable[[float, str], None]]:
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


def _lines(total: float, unit: str) -> Callable[[float, str], None]:
    last = time.monotonic() - 8.0

    def update(done: float, text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= 10 or done >= total:
            last = time.monotonic()
            print(f"{done:.0f}/{total:.0f} {unit}  {text}", file=sys.stderr, flush=True)

    return update
