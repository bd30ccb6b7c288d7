"""The command line: parse, call the library, say where the result is.

Human text goes to stderr. ``--json`` puts one JSON object on the last line of stdout. Exit codes:
0 done, 1 failed, 2 bad input.
"""

import contextlib
import importlib
import keyword
import os
import sys
from collections.abc import Callable
from typing import Any

from ._streams import interrupted, interrupts, prepare, work_begins

FLAGS = ("--json", "--traceback")
"""What every command takes, wherever it stands"""

COMMANDS = {
    "demo": "learn an initialization for CT phantoms, reconstruct unseen ones from 4 views",
    "train": "learn an initialization by a preset: theta0 train ct-phantoms|images|...",
    "fit": "fit one picture, CT slice, object or photograph from an initialization",
    "render": "render novel views of a fitted object or scene as a video or pictures",
    "export": "write the surface of a fitted object as a mesh (.ply)",
    "eval": "compare a learned initialization with the paper's baselines on test signals",
    "reproduce": "the paper's tables and figures: theta0 reproduce table1|table2|...",
    "data": "write a class of pictures as one .npz file, views of meshes, or posed photos",
    "import": "convert the paper authors' initialization (a Haiku pickle) to a file of theta0",
    "inits": "list the initializations that come with theta0",
    "info": "describe an initialization, or list networks, update rules, ... by name",
}

USAGE = """theta0 learns initial weights of coordinate networks for a class of signals, so
that a new signal of the class is fitted in a few gradient steps.

usage: theta0 [--plugin FILE.py] COMMAND [OPTIONS] [--json] [--traceback]

commands:
{commands}

  theta0 COMMAND --help    options and examples of a command
  theta0 --version         the version

examples:
  theta0 demo
  theta0 fit faces photo.jpg
  theta0 train images --data photos/ --scale cpu
  theta0 eval runs/images/cpu
  theta0 --plugin my_network.py train images --data photos/ --field my-network

--plugin FILE.py first runs a Python file of yours that registers networks, update rules,
meta-learners, ... under names that all commands then take; it may be given several times.
--json prints one JSON object as the last line of stdout; all other text goes to stderr.
--traceback shows where in the code an error came from, for a report.
Exit codes: 0 done, 1 failed, 2 bad input.
"""


def main() -> None:
    """Entry point of the ``theta0`` command."""
    prepare()
    try:
        with interrupts():
            code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:  # of stdout, as by `| head`: commands answer their own
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:  # of stdout, too
        print(f"theta0: error: writing to stdout: {error.strerror}", file=sys.stderr)
        code = 1
    except KeyboardInterrupt:  # before a command could answer it
        interrupted()
        code = 1
    if code == 1:
        # A regular exit after an interrupted compilation is a segmentation fault inside JAX.
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def run(argv: list[str]) -> int:
    """Run one command line; returns its exit code."""
    plugins, argv = _plugins(argv)
    usage = USAGE.format(commands="\n".join(f"  {n:<9} {t}" for n, t in COMMANDS.items()))
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(usage, file=sys.stdout if argv else sys.stderr)
        return 0 if argv else 2
    if argv[0] in ("--version", "version"):
        from theta0 import __version__

        print(__version__)
        return 0
    # One device a core: the tasks of a meta-batch and the signals of an evaluation are spread over
    # devices, and small networks do not fill two cores from one.
    if "xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
        os.environ.setdefault("JAX_NUM_CPU_DEVICES", str(_cores()))
    # Imported only now: `theta0 --help` answers without JAX.
    from ._common import guarded, with_plugins

    with_plugins(plugins)

    def command(rest: list[str]) -> dict[str, Any]:
        _load(plugins, rest)
        main = _command(argv[0])
        work_begins()
        return main(rest)

    return guarded(command, argv)


def _plugins(argv: list[str]) -> tuple[list[str], list[str]]:
    """The files of plug-ins, and the command line without them."""
    plugins, flags = [], []
    while argv and (_is_plugin(argv[0]) or argv[0] in FLAGS):
        if argv[0] in FLAGS:
            flags, argv = [*flags, argv[0]], argv[1:]
            continue
        _, given, path = argv[0].partition("=")
        argv = argv[1:]
        if not given:
            path, argv = (argv[0] if argv else ""), argv[1:]
        plugins.append(path)
    return plugins, [*argv, *flags] if argv else []


def _is_plugin(word: str) -> bool:
    return word.partition("=")[0] == "--plugin"


def _load(plugins: list[str], rest: list[str]) -> None:
    """Run the files of plug-ins, before the command and what it registers are asked for."""
    from theta0.errors import InputError
    from theta0.registry import load_plugin

    if any(map(_is_plugin, rest)):
        raise InputError("--plugin goes before the command: theta0 --plugin FILE.py train ...")
    for plugin in plugins:
        load_plugin(plugin)


def _cores() -> int:
    """Processors this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _command(name: str) -> Callable[[list[str]], dict[str, Any]]:
    """The main function of a command."""
    if name not in COMMANDS:
        import difflib

        from theta0.errors import InputError

        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(COMMANDS)}"
        raise InputError(f"unknown command {name!r}; {hint}")
    # A module of the name "import" could not be named in an import statement.
    module = f"{name}_" if keyword.iskeyword(name) else name
    return importlib.import_module(f"theta0.cli.{module}").main
