"""Peak memory of a MAML step: does it depend on the number of inner steps?

``python -m benchmarks.memory STEPS SIZES_JSON`` is the probe, run in a process of its own.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import equinox as eqx
import jax

from theta0.fields import Siren

from ._measure import Row, Sizes
from .meta import maml_arguments

MEGABYTE = 2**20


def rows(sizes: Sizes) -> list[Row]:
    """The peak of a process that takes a step with many inner steps, over one with few.

    The whole process, Python and JAX included, because that is what has to fit in a machine; the
    note adds what XLA plans for the step alone, which grows by one set of weights an inner step.
    """
    few, many = (_probed(sizes, steps) for steps in (sizes.few_steps, sizes.many_steps))
    call, process = ((few[name], many[name]) for name in ("call", "process"))
    name = f"MAML peak memory, K = {sizes.many_steps} over K = {sizes.few_steps}"
    note = (
        f"XLA plans {few['planned']:.0f} -> {many['planned']:.0f} MB; the call adds "
        f"{call[0]:.0f} -> {call[1]:.0f} MB; whole process {process[0]:.0f} -> {process[1]:.0f} MB"
    )
    facts = {f"K={sizes.few_steps}": few, f"K={sizes.many_steps}": many}
    ratio = process[1] / process[0]
    return [Row("memory", name, ratio, 1.10, False, note=note, facts=facts)]


def _probed(sizes: Sizes, steps: int) -> dict[str, float]:
    arguments = [str(steps), str(sizes.side), json.dumps(asdict(sizes.siren))]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory", *arguments],
        cwd=Path(__file__).parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def probe(sizes: Sizes, steps: int) -> dict[str, float]:
    """Megabytes of one MAML step in this process: measured, and as planned by the compiler."""
    estimator, arguments = maml_arguments(sizes, steps)
    arrays, static = eqx.partition(arguments, eqx.is_array)

    def run(arrays):
        return eqx.filter(estimator(*eqx.combine(arrays, static)), eqx.is_array)

    compiled = jax.jit(run).lower(arrays).compile()
    # Compiling may have needed more than the call will: forget the high-water mark. (ru_maxrss
    # cannot be reset, and a child inherits it from the process that started it.)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    jax.block_until_ready(compiled(arrays))
    peak = _status("VmHWM")
    analysis = compiled.memory_analysis()
    assert analysis is not None, "the CPU backend plans its memory"
    planned = analysis.temp_size_in_bytes / MEGABYTE
    return {"process": peak, "call": peak - before, "planned": planned}


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith(name + ":"))
    return int(kilobytes) / 1024


if __name__ == "__main__":
    siren = Siren(**json.loads(sys.argv[3]))
    print(json.dumps(probe(Sizes(side=int(sys.argv[2]), siren=siren), int(sys.argv[1]))))
