"""Frozen dataclasses to plain JSON and back; unknown keys are errors."""

from typing import Any, TypeVar

import cattrs
from cattrs.errors import BaseValidationError
from cattrs.strategies import configure_tagged_union

from theta0.errors import InputError
from theta0.fields import FieldConfig
from theta0.forward import ForwardConfig
from theta0.tasks import DataConfig

VERSION = 1
"""Version of ``config.json`` and of the description in an initialization."""

Config = TypeVar("Config")

_converter = cattrs.Converter(forbid_extra_keys=True)
for _union in (FieldConfig, ForwardConfig, DataConfig):
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
            f"{source}: configuration version {version}, but this theta0 reads version {VERSION}"
        )
    try:
        return _converter.structure(values, kind)
    except BaseValidationError as error:
        reasons = "; ".join(cattrs.transform_error(error)).replace("@ $", "at ")
        raise InputError(f"{source}: {reasons}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{source}: {type(error).__name__}: {error}") from error
