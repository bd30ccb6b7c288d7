"""Frozen dataclasses to plain JSON and back; unknown keys are errors."""

import dataclasses
import json
import re
import sys
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import cattrs
from cattrs.errors import BaseValidationError
from cattrs.strategies import configure_tagged_union
from cattrs.v import format_exception

from theta0.errors import InputError
from theta0.registry import NotRegistered, Registry, all_registries

VERSION = 2
"""Version of ``config.json`` and of the description in an initialization."""

Config = TypeVar("Config")

_converter = cattrs.Converter(forbid_extra_keys=True)


def _exactly(kind: type, *accepted: type):
    """A hook that refuses what Python would convert: "3" or 3.7 for 3, 1 for True."""

    def structure(value: Any, _: type) -> Any:
        if type(value) not in (kind, *accepted):
            raise TypeError(f"expected {kind.__name__}, found {value!r:.60}")
        # JSON has words for neither, but Python reads them; and whole numbers of any length.
        if kind is float and not abs(value) <= sys.float_info.max:
            raise TypeError(f"expected a finite number, found {value!r:.60}")
        return kind(value)

    return structure


_converter.register_structure_hook(int, _exactly(int))
_converter.register_structure_hook(float, _exactly(float, int))
_converter.register_structure_hook(str, _exactly(str))
_converter.register_structure_hook(bool, _exactly(bool))


def _choice(value: Any, hint: Any) -> Any:
    """One of the values of a Literal."""
    choices = get_args(hint)
    if value not in choices:
        raise TypeError(f"expected one of {', '.join(map(str, choices))}, found {value!r:.60}")
    return value


_converter.register_structure_hook_func(lambda hint: get_origin(hint) is Literal, _choice)


def _of_registry(registry: Registry) -> None:
    """Settings of a registry's kind are stored with the name they are registered under."""

    def structure(value: Any, _: type) -> Any:
        if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
            raise TypeError(f"expected {registry.one} with its kind, found {value!r:.60}")
        rest = {key: item for key, item in value.items() if key != "kind"}
        return _converter.structure(rest, registry[value["kind"]])

    def unstructure(settings: Any) -> dict[str, Any]:
        kind = type(settings)
        return {"kind": registry.name_of(kind), **_converter.unstructure(settings, kind)}

    is_base = lambda kind: registry.base is not None and kind is registry.base
    _converter.register_structure_hook_func(is_base, structure)
    _converter.register_unstructure_hook_func(is_base, unstructure)


for _registry in all_registries():
    _of_registry(_registry)


def stored_by_class(union: Any) -> None:
    """Store the members of a closed union of dataclasses with the name of their class."""
    configure_tagged_union(union, _converter, tag_name="kind")


def to_plain(config: Any, kind: Any = None) -> dict[str, Any]:
    """JSON values of a configuration dataclass."""
    return {"version": VERSION, **_converter.unstructure(config, kind or type(config))}


def from_words(text: str, registry: Registry) -> Any:
    """Settings as the command line names them: ``name``, or ``name:key=value,key=value``.

    A value without a key is the first setting: ``adam:1e-3`` is ``adam:lr=1e-3``. A setting that is
    registered itself is named in the same way, in parentheses where it has commas:
    ``then:first=(step-sizes:lr=0.1,per=weight),steps=5,second=adam:1e-3``.

    Raises:
        InputError: there is no such name or setting, or the value is not one.
    """
    name, _, rest = text.partition(":")
    kind = registry[name]
    keys, hints = [field.name for field in dataclasses.fields(kind)], get_type_hints(kind)
    values: dict[str, Any] = {}
    for word in _outside_brackets(rest, text) if rest else ():
        if not word:
            raise InputError(f"{text}: there is nothing before or after a comma; leave it out")
        key, given, value = word.partition("=")
        key, value = (key.replace("-", "_"), value) if given else (keys[0] if keys else "", word)
        if key not in keys:
            raise InputError(f"{text}: {name} has no setting {word!r}; {_settings_of(kind)}")
        if key in values:
            raise InputError(f"{text}: {key} is given twice; {_settings_of(kind)}")
        values[key] = _value_of(value, hints[key])
    return from_plain({"version": VERSION, **values}, kind, text)


def _outside_brackets(text: str, source: str) -> list[str]:
    """Words separated by commas, but not by those in brackets or quotes; ``source`` is the whole.

    Raises:
        InputError: a bracket or a quotation mark has no partner.
    """
    words, depth, quoted = [""], 0, False
    for letter in text:
        quoted ^= letter == '"'
        depth += 0 if quoted else (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0 and not quoted:
            words.append("")
        else:
            words[-1] += letter
        if depth < 0:
            raise InputError(f"{source}: a bracket is closed that was not opened")
    if depth or quoted:
        what = "quotation mark" if quoted else "bracket"
        raise InputError(f"{source}: a {what} is not closed")
    return words


def _value_of(word: str, hint: Any) -> Any:
    """The JSON value of a word; settings of a registered kind with the name they have."""
    for registry in all_registries():
        if hint is registry.base:
            bare = word[1:-1] if word.startswith("(") and word.endswith(")") else word
            return _converter.unstructure(from_words(bare, registry), registry.base)
    try:
        return json.loads(word)
    except (ValueError, RecursionError):
        return word


def _settings_of(kind: type) -> str:
    names = [field.name.replace("_", "-") for field in dataclasses.fields(kind)]
    return f"it has {', '.join(f'{name}=VALUE' for name in names)}" if names else "it has none"


def to_words(settings: Any, registry: Registry) -> str:
    """What :func:`from_words` reads; only what differs from the defaults is said."""
    kind, changed = type(settings), []
    types = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        value, hint = getattr(settings, field.name), types[field.name]
        within = next((one for one in all_registries() if one.base is hint), None)
        factory = field.default_factory
        if value == (field.default if factory is dataclasses.MISSING else factory()):
            continue
        if within is None:
            plain = _converter.unstructure(value, hint)
            told = plain if isinstance(plain, str) else json.dumps(plain, separators=(",", ":"))
        else:
            words = to_words(value, within)
            told = f"({words})" if "," in words else words
        changed.append(f"{field.name.replace('_', '-')}={told}")
    name = registry.name_of(kind)
    return f"{name}:{','.join(changed)}" if changed else name


def from_plain(plain: Any, kind: type[Config], source: str) -> Config:
    """The dataclass of JSON values.

    Raises:
        InputError: of a newer version, with unknown or missing keys, or values of a wrong type;
            ``source`` says where they stood.
    """
    if not isinstance(plain, dict):
        raise InputError(f"{source}: expected an object, found {type(plain).__name__}")
    values = dict(plain)
    version = values.pop("version", None)
    if version != VERSION:
        raise InputError(
            f"{source}: configuration version {version!r:.20}, but this theta0 reads version "
            f"{VERSION}; it is damaged, or written by another theta0"
        )
    try:
        return _converter.structure(values, kind)
    except BaseValidationError as error:
        missing: list[NotRegistered] = []

        def reason(error: BaseException, kind: Any) -> str:
            if not isinstance(error, NotRegistered):
                return _reason(error, kind)
            missing.append(error)
            return error.what

        reasons = cattrs.transform_error(error, format_exception=reason)
        if len(missing) == 1:
            reasons = cattrs.transform_error(error, format_exception=_reason)
        # cattrs says where in a value of JSON: "@ $.field.width", or "@ $" of all of it.
        places = [re.sub(r" @ \$\.?(.*)$", _place, reason) for reason in reasons]
        # How to register one is said once for several, which one plug-in is likely to have.
        if len(missing) > 1:
            places.append(
                "register them first: theta0 --plugin FILE.py with the file that has them, or "
                "import it, or install the package that names them as entry points"
            )
        raise InputError(f"{source}: {'; '.join(places)}") from error
    except RecursionError as error:
        raise InputError(f"{source}: is nested too deeply; it is damaged") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source}: {type(error).__name__}: {error}") from error


def _place(found: re.Match[str]) -> str:
    return f" (at {found[1]})" if found[1] else ""


def _reason(error: BaseException, kind: Any) -> str:
    """Our own words where we raised the error, cattrs's for the rest."""
    ours = isinstance(error, InputError) or type(error) is TypeError
    return str(error) if ours else format_exception(error, kind)
