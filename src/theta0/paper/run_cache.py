"""The run cache: each result of a long evaluation is computed once and stored in its own file."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from theta0 import __version__
from theta0.errors import InputError
from theta0.evaluation import Rows
from theta0.fields import Field
from theta0.files import json_line, write_json
from theta0.store import Stored, write

Arrays = dict[str, np.ndarray]
Made = TypeVar("Made")


class RunCache:
    """A folder of results that are computed on first use.

    The key of a result is its name and everything it depends on, including the version of theta0,
    so that other settings or another run never reuse it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._seconds: dict[Path, float] = {}

    @property
    def seconds(self) -> float:
        """Seconds it took to compute the results used so far, in this process or an earlier one."""
        return sum(self._seconds.values(), 0.0)

    def rows(self, name: str, of: Mapping[str, Any], make: Callable[[], Rows]) -> Rows:
        """The rows that ``make`` returns, computed once; ``of`` is what they depend on."""
        path, of = self._place(name, of, ".json")
        try:
            kept = json.loads(path.read_text())
        except (OSError, ValueError):  # missing or damaged: computed again
            kept = {}
        if kept.get("of") != of:
            rows, seconds = _timed(make)
            kept = {"of": of, "seconds": seconds, "rows": rows}
            write_json(path, kept)
        self._seconds[path] = kept["seconds"]
        return kept["rows"]

    def field(
        self, name: str, of: Mapping[str, Any], template: Field, make: Callable[[], Field]
    ) -> Field:
        """The field that ``make`` returns, computed once; ``template`` has its shapes."""
        return self._stored(name, of, lambda stored: stored.into(template), make)

    def arrays(self, name: str, of: Mapping[str, Any], make: Callable[[], Arrays]) -> Arrays:
        """The arrays by name that ``make`` returns, computed once, as float32."""
        single = lambda: jax.tree.map(lambda array: jnp.asarray(array, jnp.float32), make())
        found = self._stored(name, of, lambda stored: stored.arrays, single)
        return {name: np.asarray(found[name]) for name in sorted(found)}  # files have no order

    def _stored(
        self,
        name: str,
        of: Mapping[str, Any],
        read: Callable[[Stored], Made],
        make: Callable[[], Made],
    ) -> Made:
        """A pytree of arrays, read from its file or computed."""
        path, of = self._place(name, of, ".safetensors")
        try:
            stored = Stored(path)
            if stored.facts.get("of") == of:
                found = read(stored)
                self._seconds[path] = float(stored.facts.get("seconds", 0))
                return found
        except InputError:  # missing or damaged: computed again
            pass
        made, seconds = _timed(make)
        write(path, made, {"kind": "run cache", "of": of, "seconds": seconds})
        self._seconds[path] = seconds
        return made

    def _place(self, name: str, of: Mapping[str, Any], suffix: str) -> tuple[Path, dict[str, Any]]:
        """The file of a result, and what it depends on as plain JSON values."""
        text = json_line({"theta0": __version__, **of})
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80]
        return self.folder / f"{safe}-{digest}{suffix}", json.loads(text)


def _timed(make: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    made = make()
    return made, round(time.monotonic() - began, 2)
