"""``theta0 info``: what an initialization is for and where it comes from, or what is registered."""

import dataclasses
import inspect
from dataclasses import dataclass
from typing import Any

import tyro

from theta0.config import to_plain
from theta0.errors import InputError
from theta0.fields import count_weights
from theta0.inits import find
from theta0.registry import Registry, all_registries

from ._common import parse, say
from ._parts import default_of


@dataclass
class Info:
    """Arguments of ``theta0 info``."""

    init: tyro.conf.Positional[str | None] = None
    """run folder, .safetensors file, name of a shipped initialization, or name of a network, update
    rule, ...; these names are listed when left out"""


EXAMPLES = """Describe an initialization: network, forward map, inner loop, data, provenance.
Without one, list all networks, forward maps, update rules, meta-learners and kinds of signals by
the names that the other commands take, those of plug-ins included.

examples:
  theta0 info
  theta0 info faces
  theta0 info adam
  theta0 info runs/ct-phantoms/cpu --json
  theta0 --plugin my_network.py info
"""

_HEADINGS = {
    "field": "networks: theta0 train --field NAME",
    "forward": "forward maps: theta0 train --forward NAME",
    "rule": "update rules: theta0 train --meta.rule NAME, theta0 fit --rule NAME",
    "meta": "meta-learners: theta0 train --meta NAME",
    "signals": "kinds of signals: theta0 train --signals NAME",
}


def main(argv: list[str]) -> dict[str, Any]:
    """Run the command."""
    arguments = parse(Info, argv, "info", description=EXAMPLES)
    if arguments.init is None:
        return _registered()
    for registry in all_registries():
        if arguments.init in registry.names():
            return _settings(registry, arguments.init)
    initialization = find(arguments.init)
    plain = to_plain(initialization.description)
    plain["weights"] = count_weights(initialization.field)
    _tell(plain)
    return plain


def _settings(registry: Registry, name: str) -> dict[str, Any]:
    """What is registered under a name: a line that describes it, and its settings."""
    defaults = {}
    for field in dataclasses.fields(registry[name]):
        default = default_of(field)
        told = "VALUE" if default is dataclasses.MISSING else repr(default)
        defaults[field.name.replace("_", "-")] = told
    say(f"{registry.kind} {name}: {_described(registry, name)}")
    _tell(defaults, "  ")
    return {registry.key: name, "settings": defaults}


def _tell(values: dict[str, Any], indent: str = "") -> None:
    """Names and values, those of a part below its name."""
    for name, value in values.items():
        if isinstance(value, dict):
            say(f"{indent}{name}:")
            _tell(value, indent + "  ")
        else:
            say(f"{indent}{name}: {value}")


def _registered() -> dict[str, dict[str, str]]:
    """Everything that is registered, by kind and name, with a line that describes it."""
    found = {}
    for registry in all_registries():
        found[registry.key] = told = {name: _described(registry, name) for name in registry.names()}
        say(_HEADINGS.get(registry.key, registry.kind))
        width = max(map(len, told), default=0)
        for name, line in told.items():
            say(f"  {name:<{width}}  {line}".rstrip())
    return found


def _described(registry: Registry, name: str) -> str:
    """The first line of a docstring; nothing if the class has none of its own."""
    try:
        settings = registry[name]
    except InputError as error:  # of another's package; the others are still listed
        return str(error)
    text = inspect.getdoc(settings) or ""
    # A dataclass without a docstring has its signature for one.
    own = not text.startswith(f"{settings.__name__}(")
    return text.partition("\n")[0].replace("`", "") if own else ""
