"""Where and how a result was made: versions, machine, commit and command, for records."""

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jax

from theta0 import __version__


def environment() -> dict[str, Any]:
    """Versions, machine and commit, for records."""
    packages = ("jax", "jaxlib", "equinox", "optax", "numpy")
    return {
        "theta0": __version__,
        "commit": commit(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
        "machine": machine(),
        "devices": [str(device) for device in jax.local_devices()],
    }


def machine() -> str:
    """CPU model and core count."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        name = lines[0].split(":", 1)[1].strip() if lines else name
    return f"{name}, {os.cpu_count()} cores"


@cache
def commit() -> str:
    """The commit of the source tree theta0 runs from, with ``+`` if it was changed; else "none".

    It is asked for once: the code that runs is that of the beginning.
    """
    source = Path(__file__).parents[1]

    def git(*args: str) -> str:
        call = ["git", "-C", str(source), *args]
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if not git("ls-files", __file__):
            return "none"
        return git("rev-parse", "--short=12", "HEAD") + ("+" if git("status", "-s", ".") else "")
    except (OSError, subprocess.CalledProcessError):
        return "none"


def command_line(paths: bool = True) -> str:
    """The command this process runs; without ``paths`` each is shortened to its last part."""
    shorten = lambda text: text if paths or os.sep not in text else Path(text).name
    words = [argument.partition("=") for argument in sys.argv[1:]]
    return shlex.join(["theta0", *(shorten(name) + is_ + shorten(v) for name, is_, v in words)])
