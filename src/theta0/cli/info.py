"""``theta0 info``: what an initialization is for and where it comes from, or what is registered."""

import dataclasses
import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from theta0 import __version__
from theta0.config import to_plain
from theta0.errors import InputError, did_you_mean
from theta0.fields import count_weights
from theta0.inits import Initialization, find, shipped
from theta0.inner import Objective, RuleConfig
from theta0.presets import commit
from theta0.registry import Registry, all_registries

from ._common import parse, say
from ._parts import default_of
from ._words import words_of_objective, words_of_rule


@dataclass
class Info:
    """Arguments of ``theta0 info``."""

    init: tyro.conf.Positional[str | None] = None
    """run folder, .safetensors file, name of a shipped initialization, or name of a network, update
    rule, ...; these names are listed when left out, and those of one kind by its own: field,
    forward, rule, meta, signals"""


EXAMPLES = """Describe an initialization: network, forward map, inner loop, data, provenance.
Without one, list all networks, forward maps, update rules, meta-learners and kinds of signals by
the names that the other commands take, those of plug-ins included.

examples:
  theta0 info
  theta0 info faces
  theta0 info rule
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
    name = arguments.init
    if name is None:
        return _registered(all_registries())
    for registry in all_registries():
        if name in registry.names():
            return _settings(registry, name)
    if not Path(name).exists() and name not in shipped():
        if kinds := [one for one in all_registries() if name in (one.key, f"{one.key}s")]:
            return _registered(kinds)
        _refuse_unknown(name)
    return _initialization(find(name))


def _refuse_unknown(name: str) -> None:
    """Name what is like a name that nothing has; a file or folder is looked for elsewhere.

    Raises:
        InputError: something has a name like it.
    """
    kinds = all_registries()
    known = [*shipped(), *(one.key for one in kinds), *(of for one in kinds for of in one.names())]
    if hint := did_you_mean(name, known):
        raise InputError(f"nothing is called {name!r}{hint}; see theta0 info")


def _initialization(found: Initialization) -> dict[str, Any]:
    """What is described of an initialization; its command as that of the theta0 it ran in."""
    plain = to_plain(found.description)
    plain["weights"] = count_weights(found.field)
    told = {**plain, "provenance": dict(plain["provenance"])}
    facts = told["provenance"]
    if isinstance(seen := facts.get("learned_from"), list):
        facts["learned_from"] = f"{len(seen)} signals, by their digests"
    here = {"theta0": __version__, "commit": commit()}
    if facts.get("command") and not here.items() <= facts.items():
        which = f"as of theta0 {facts.get('theta0')}, commit {facts.get('commit')}"
        label = f"command ({which}; options may have other names now)"
        facts = {label if name == "command" else name: value for name, value in facts.items()}
    _tell({**told, "provenance": facts})
    return plain


def _settings(registry: Registry, name: str) -> dict[str, Any]:
    """What is registered under a name: a line that describes it, and its settings."""
    defaults = {}
    for field in dataclasses.fields(registry[name]):
        default = default_of(field)
        told = "required" if default is dataclasses.MISSING else _in_words(default)
        defaults[field.name.replace("_", "-")] = told
    say(f"{registry.kind} {name}: {_described(registry, name)}")
    _tell(defaults, "  ")
    return {registry.key: name, "settings": defaults}


def _in_words(value: Any) -> str:
    """A default as the command line takes it, where that has a word for it."""
    if isinstance(value, RuleConfig):
        return words_of_rule(value)
    return words_of_objective(value) if isinstance(value, Objective) else repr(value)


def _tell(values: dict[str, Any], indent: str = "") -> None:
    """Names and values, those of a part below its name."""
    for name, value in values.items():
        if isinstance(value, dict):
            say(f"{indent}{name}:")
            _tell(value, indent + "  ")
        else:
            say(f"{indent}{name}: {value}")


def _registered(registries: Iterable[Registry]) -> dict[str, dict[str, str]]:
    """What is registered, by kind and name, with a line that describes it."""
    found = {}
    for registry in registries:
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
