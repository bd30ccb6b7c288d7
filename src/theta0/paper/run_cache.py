"""The run cache: each part of a long evaluation is computed once, and kept in a file of its own."""

import hashlib
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from theta0 import __version__
from theta0.errors import InputError
from theta0.evaluate import Rows
from theta0.fields import Field
from theta0.files import json_line, write_json
from theta0.store import Stored, write


class RunCache:
    """A folder of finished parts.

    A part is known by its name and by everything it depends on, the version of theta0 included,
    so that an evaluation under other settings, or of another run, is done anew.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.seconds = 0.0
        """time that the parts asked for have taken, in this process or an earlier one"""

    def rows(self, name: str, of: dict[str, Any], make: Callable[[], Rows]) -> Rows:
        """The rows ``make`` returns, or returned before; ``of`` says what they depend on."""
        path, of = self._place(name, of, ".json")
        try:
            part = json.loads(path.read_text())
        except (OSError, ValueError):
            part = {}
        if part.get("of") != of:
            rows, seconds = _timed(make)
            part = {"of": of, "seconds": seconds, "rows": rows}
            write_json(path, part)
        self.seconds += part["seconds"]
        return part["rows"]

    def field(
        self, name: str, of: dict[str, Any], template: Field, make: Callable[[], Field]
    ) -> Field:
        """The field ``make`` returns, or returned before; ``template`` has its shapes."""
        path, of = self._place(name, of, ".safetensors")
        try:
            stored = Stored(path)
            if stored.facts.get("of") == of:
                field = stored.into(template)
                self.seconds += float(stored.facts.get("seconds", 0))
                return field
        except InputError:  # missing, or damaged: it is made again
            pass
        field, seconds = _timed(make)
        write(path, field, {"kind": "part", "of": of, "seconds": seconds})
        self.seconds += seconds
        return field

    def _place(self, name: str, of: dict[str, Any], suffix: str) -> tuple[Path, dict[str, Any]]:
        """The file of a part, and what it depends on as JSON says it."""
        text = json_line({"theta0": __version__, **of})
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        safe = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80]
        return self.folder / f"{safe}-{digest}{suffix}", json.loads(text)


def _timed(make: Callable[[], Any]) -> tuple[Any, float]:
    began = time.monotonic()
    made = make()
    return made, round(time.monotonic() - began, 2)
