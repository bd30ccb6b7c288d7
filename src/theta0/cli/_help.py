"""Help of options as paragraphs, and without a default where there is none to tell.

Tyro keeps the line breaks of a docstring in the source, and prints ``(default: None)``.
"""

import dataclasses
from typing import Annotated, Any

import tyro
from tyro.constructors import ConstructorRegistry, StructConstructorSpec, StructTypeInfo

from ._words import WORDS

_NOTHING = ("None", "False", "none", "")
"""Defaults of what is left out, not done, or empty"""

_asked: list[StructTypeInfo] = []
"""What Tyro's own rule is asked for, where this one stands aside"""


@WORDS.struct_rule
def _reflowed(info: StructTypeInfo) -> StructConstructorSpec | None:
    """The options of a dataclass as Tyro finds them, with other help."""
    if _asked or not dataclasses.is_dataclass(info.type):
        return None
    _asked.append(info)
    try:
        found = ConstructorRegistry.get_struct_spec(info)
    finally:
        _asked.clear()
    if not isinstance(found, StructConstructorSpec):
        return None
    return dataclasses.replace(found, fields=tuple(map(_with_help, found.fields)))


def _with_help(field: Any) -> Any:
    told = Annotated[field.type, tyro.conf.arg(help_behavior_hint=_default)]
    return dataclasses.replace(field, type=told, helptext=lambda: _paragraph(field.helptext))


def _default(label: str) -> str:
    return "" if label in _NOTHING else f"(default: {label})"


def _paragraph(text: Any) -> str | None:
    """A docstring without its line breaks and its marks of code."""
    text = text() if callable(text) else text
    return None if text is None else " ".join(text.replace("`", "").split())
