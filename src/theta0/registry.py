"""What can be chosen by name: fields, forward maps, update rules, meta-learners, kinds of signals.

A registry maps names to the settings classes of one kind. Names stand in saved files and on the
command line, so whatever is registered can be saved, loaded and named there. Packages register
through entry points (group ``theta0.rules`` and so on), scripts through :func:`register`. Nothing
is ever imported because a file names it.
"""

import dataclasses
import importlib.metadata
import importlib.util
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from theta0.errors import InputError, did_you_mean

Settings = TypeVar("Settings", bound=type)


class NotRegistered(InputError):
    """Nothing is registered under a name; ``what`` says so without saying how to register it."""

    def __init__(self, what: str, remedy: str):
        super().__init__(f"{what}{remedy}")
        self.what = what


class Registry:
    """The settings classes of one kind, by name.

    Attributes:
        kind: What messages call one of them.
        key: What :func:`register` calls the kind.
        group: Entry points of installed packages.
        base: What configurations are annotated with where any of the kind may stand.
    """

    def __init__(self, kind: str, key: str, group: str):
        self.kind, self.key, self.group = kind, key, group
        self.base: type | None = None
        self._classes: dict[str, type] = {}
        self._entry_points: dict[str, importlib.metadata.EntryPoint] | None = None

    @property
    def one(self) -> str:
        """The kind with its article, for messages."""
        return f"{'an' if self.kind[0] in 'aeiou' else 'a'} {self.kind}"

    def base_class(self, base: Settings) -> Settings:
        """Decorate the class that all settings of the kind derive from."""
        self.base = base
        return base

    def register(self, name: str) -> Callable[[Settings], Settings]:
        """Decorate a settings class (a frozen dataclass) with the name it is saved under.

        Raises:
            InputError: the name is taken, or not of lower-case letters, digits and hyphens.
        """
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            raise InputError(
                f"{name!r} cannot name {self.one}: use lower-case letters, digits and hyphens"
            )

        def decorate(settings: Settings) -> Settings:
            self._require_settings(settings)
            taken = self._classes.get(name)
            # A module that is run again, as in a notebook, defines its class again.
            if taken is not None and (taken.__module__, taken.__qualname__) != (
                settings.__module__, settings.__qualname__,
            ):  # fmt: skip
                raise InputError(
                    f"the {self.kind} {name!r} is {taken.__module__}.{taken.__qualname__} already; "
                    "register under another name"
                )
            self._classes[name] = settings
            return settings

        return decorate

    def _require_settings(self, settings: type) -> None:
        """Refuse a class whose settings could be neither saved nor given as words."""
        if self.base is not None and not issubclass(settings, self.base):
            raise InputError(
                f"{settings.__name__} cannot be registered as {self.one}: derive it from "
                f"{self.base.__name__}"
            )
        if not dataclasses.is_dataclass(settings):
            raise InputError(
                f"{settings.__name__} cannot be registered as {self.one}: decorate it with "
                f"@dataclass(frozen=True), below @theta0.register({self.key!r}, NAME)"
            )

    def __getitem__(self, name: str) -> type:
        """The settings class of a name.

        Raises:
            InputError: nothing is registered under it; the message says how that is done.
        """
        if name not in self._classes and name in self._found():
            self._classes.setdefault(name, self._loaded(name))
        if name in self._classes:
            return self._classes[name]
        hint = did_you_mean(str(name), self.names())
        raise NotRegistered(
            f"no {self.kind} is registered as {name!r}{hint}",
            f"; choose from {', '.join(self.names())}, or register your own with "
            f"@theta0.register({self.key!r}, {name!r}): in a file for theta0 --plugin FILE.py, or "
            f"in an installed package that names it as an entry point of {self.group}",
        )

    def _loaded(self, name: str) -> type:
        """What the entry point of an installed package names."""
        point = self._found()[name]
        try:
            return point.load()
        except Exception as error:  # whatever a package of others raises
            raise InputError(
                f"the {self.kind} {name!r} cannot be loaded from {point.value}, which an installed "
                f"package names as an entry point of {self.group}: {type(error).__name__}: {error}"
            ) from error

    def name_of(self, settings: type) -> str:
        """The name a settings class is registered under.

        Raises:
            InputError: it is not registered; the message says how that is done.
        """
        # Entry points last: a package that cannot be loaded is in the way of its own names alone.
        for name in sorted(self.names(), key=lambda name: name not in self._classes):
            if self[name] is settings:
                return name
        raise InputError(
            f"{settings.__name__} is not registered as {self.one}, so it can be neither saved "
            f"nor named; decorate it with @theta0.register({self.key!r}, NAME)"
        )

    def names(self) -> list[str]:
        """All names, those of installed packages included."""
        return sorted({*self._classes, *self._found()})

    def _found(self) -> dict[str, importlib.metadata.EntryPoint]:
        if self._entry_points is None:
            points = importlib.metadata.entry_points(group=self.group)
            self._entry_points = {point.name: point for point in points}
        return self._entry_points


FIELDS = Registry("field", "field", "theta0.fields")
FORWARD_MAPS = Registry("forward map", "forward", "theta0.forward")
RULES = Registry("update rule", "rule", "theta0.rules")
META_LEARNERS = Registry("meta-learner", "meta", "theta0.meta")
SIGNALS = Registry("kind of signal", "signals", "theta0.signals")

_REGISTRIES = {
    registry.key: registry for registry in (FIELDS, FORWARD_MAPS, RULES, META_LEARNERS, SIGNALS)
}


def register(kind: str, name: str) -> Callable[[Settings], Settings]:
    """Register a settings class, as a decorator.

    Args:
        kind: ``"field"``, ``"forward"``, ``"rule"``, ``"meta"`` or ``"signals"``.
        name: what saved files and the command line call it.

    Raises:
        InputError: there is no such kind, or the name cannot be used or is taken.
    """
    if kind not in _REGISTRIES:
        raise InputError(f"cannot register a {kind!r}; choose from {', '.join(_REGISTRIES)}")
    return _REGISTRIES[kind].register(name)


def all_registries() -> tuple[Registry, ...]:
    """Every registry, in the order of the storeys."""
    return tuple(_REGISTRIES.values())


def load_plugin(path: str | Path) -> None:
    """Run a Python file of the user's, which registers parts of its own.

    Raises:
        InputError: there is no such file, or it fails.
    """
    path = Path(path)
    if path.suffix != ".py" or not path.is_file():
        raise InputError(f"--plugin {path}: no such Python file")
    # A name that no module of the standard library has: a plug-in may be called random.py.
    name = f"theta0_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up the module they are in
    sys.path.insert(0, str(path.parent.resolve()))  # as Python does for a script that it runs
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if Path(frame.filename) == path]
        where = f"line {lines[-1]}: " if lines else ""
        raise InputError(f"--plugin {path}: {where}{type(error).__name__}: {error}") from error
