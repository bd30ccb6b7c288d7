"""``theta0 inits``: the initializations that come with the package."""

from dataclasses import dataclass
from typing import Any

from rich.table import Table

from theta0.fields import count_weights
from theta0.inits import load, shipped

from ._common import console, parse, say

EXAMPLES = """List the initializations that come with theta0; fit, eval and info take their names.

examples:
  theta0 inits
  theta0 inits --json
"""


@dataclass
class Inits:
    """Arguments of ``theta0 inits``."""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    parse(Inits, argv, "inits", description=EXAMPLES)
    table = Table("name", "preset", "weights", "kB", "learned from")
    for column in table.columns[:2]:
        column.no_wrap = True  # what the other commands take is never cut
    table.columns[-1].overflow = "fold"  # nor is an address
    found = {}
    for name, path in shipped().items():
        initialization = load(path)
        description = initialization.description
        facts = description.provenance
        table.add_row(
            name,
            description.preset,
            f"{count_weights(initialization.field):,}",
            str(round(path.stat().st_size / 1000)),
            str(facts.get("credit") or description.data.path or "procedural signals"),
        )
        found[name] = {"file": str(path), **facts}
    if found:
        console.print(table)
    else:
        say("no initialization comes with this copy of theta0; learn one: theta0 train --help")
    return {"inits": found}
