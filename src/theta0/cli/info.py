"""``theta0 info``: what an initialization is for, and where it comes from."""

from dataclasses import dataclass
from typing import Any

import tyro

from theta0.config import to_plain
from theta0.fields import count_weights
from theta0.inits import find

from ._common import parse, say


@dataclass
class Info:
    """Arguments of ``theta0 info``."""

    init: tyro.conf.Positional[str]
    """run folder, .safetensors file, or name of a shipped initialization"""


EXAMPLES = """Describe an initialization: network, forward map, inner loop, data, provenance.

examples:
  theta0 info faces
  theta0 info runs/ct-phantoms/cpu --json
"""


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(Info, argv, "info", description=EXAMPLES)
    initialization = find(arguments.init)
    plain = to_plain(initialization.description)
    plain["weights"] = count_weights(initialization.field)
    for name, value in plain.items():
        if isinstance(value, dict):
            say(f"{name}:")
            for key, item in value.items():
                say(f"  {key}: {item}")
        else:
            say(f"{name}: {value}")
    return plain
