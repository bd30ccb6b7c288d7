"""Haiku's parameter dict, which need not be installed."""

import sys
import types

import pytest


@pytest.fixture(params=["FlatMapping", "FlatMap"])
def haiku(request, monkeypatch):
    """A dict that is pickled as Haiku's: a call of its class with a plain dict."""
    names = {
        "__module__": "haiku._src.data_structures",
        "__reduce__": lambda self: (type(self), (dict(self),)),
    }
    kind = type(request.param, (dict,), names)
    modules = {name: types.ModuleType(name) for name in ("haiku", "haiku._src", kind.__module__)}
    setattr(modules[kind.__module__], request.param, kind)
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    return kind
