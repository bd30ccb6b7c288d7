"""Frozen dataclasses to plain JSON and back; unknown keys are errors."""

from typing import Any, TypeVar

import cattrs
from cattrs.errors import BaseValidationError
from cattrs.strategies import configure_tagged_union
from cattrs.v import format_exception

from theta0.errors import InputError
from theta0.fields import FieldConfig, NetworkConfig, SingleConfig
from theta0.forward import ForwardConfig
from theta0.tasks import DataConfig, ImageSource, PhotoSource, ViewSource

VERSION = 1
"""Version of ``config.json`` and of the description in an initialization."""

Config = TypeVar("Config")

_converter = cattrs.Converter(forbid_extra_keys=True)


def _exactly(kind: type, *accepted: type):
    """A hook that refuses what Python would convert: "3" or 3.7 for 3, 1 for True."""

    def structure(value: Any, _: type) -> Any:
        if type(value) not in (kind, *accepted):
            raise TypeError(f"expected {kind.__name__}, found {value!r}")
        return kind(value)

    return structure


_converter.register_structure_hook(int, _exactly(int))
_converter.register_structure_hook(float, _exactly(float, int))
_converter.register_structure_hook(str, _exactly(str))
_converter.register_structure_hook(bool, _exactly(bool))
# After the hooks, and inner unions first: a union looks up the hooks of its members once.
_SOURCES = ImageSource, ViewSource, PhotoSource
for _union in (NetworkConfig, SingleConfig, FieldConfig, ForwardConfig, *_SOURCES, DataConfig):
    configure_tagged_union(_union, _converter, tag_name="kind")


def to_plain(config: Any, kind: Any = None) -> dict[str, Any]:
    """JSON values of a configuration dataclass."""
    return {"version": VERSION, **_converter.unstructure(config, kind or type(config))}


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
        reasons = cattrs.transform_error(error, format_exception=_reason)
        raise InputError(f"{source}: {'; '.join(reasons).replace('@ $', 'at ')}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source}: {type(error).__name__}: {error}") from error


def _reason(error: BaseException, kind: Any) -> str:
    """Our own words where we raised the error, cattrs's for the rest."""
    return str(error) if type(error) in (InputError, TypeError) else format_exception(error, kind)
