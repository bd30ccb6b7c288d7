"""How long a user waits before anything happens."""

import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from ._measure import Row

IMPORT = """
import time, jax
began = time.perf_counter()
import theta0.meta
print(time.perf_counter() - began)
"""


def rows(repeats: int = 5) -> list[Row]:
    """Seconds to `theta0 --help`, and to import the library where JAX is loaded already."""
    help_seconds, note = _help_seconds(repeats)
    imports = statistics.median(
        float(_run([sys.executable, "-c", IMPORT]).stdout) for _ in range(repeats)
    )
    measured = [
        Row(
            "startup", "import theta0.meta after jax: seconds", imports, 1.0, False,
            seconds=imports, note=f"median of {repeats} processes",
        )
    ]  # fmt: skip
    if help_seconds is None:
        print(f"theta0 --help is left out: {note}", file=sys.stderr)
        return measured
    name = "theta0 --help: seconds"
    return [*measured, Row("startup", name, help_seconds, 0.5, False, help_seconds, note=note)]


def _help_seconds(repeats: int) -> tuple[float | None, str]:
    command = shutil.which("theta0", path=str(Path(sys.executable).parent))
    if command is None:
        return None, "the command is not installed next to this Python"
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        try:
            _run([command, "--help"])
        except subprocess.CalledProcessError as error:
            return None, f"it fails: {error.stderr.strip().splitlines()[-1:]}"
        times.append(time.perf_counter() - began)
    return statistics.median(times), f"median of {repeats} processes"


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True)
