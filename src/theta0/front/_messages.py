"""Errors in the words of Python, where the library names options of the command line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from theta0.errors import DivergedError, InputError

_PHRASES = {
    "(--trust of theta0 fit, or trust=True)": "(trust=True)",
    "with --azimuth and --elevation": "as theta0.Views",
    "--data.source.test and --data.source.validation": "shares",
    "give --data PATH": "give one",
    "leave --data out": "leave the path out",
    "see theta0 render --help for pictures of any size": "see fit.view",
}
"""What has no setting of the same name"""

_OPTION = re.compile(r"--([a-z][\w.-]*\w)(?: ([a-z]+)(?![\w:.]))?")
"""An option, and a word that is its value if the option is --rule"""


@contextmanager
def in_python() -> Iterator[None]:
    """Within the block, errors name arguments and settings: ``kind.size``, not ``--data.size``."""
    try:
        yield
    except (InputError, DivergedError) as error:
        error.args = (_without_options(str(error)), *error.args[1:])
        raise


def _without_options(message: str) -> str:
    for phrase, words in _PHRASES.items():
        message = message.replace(phrase, words)
    return _OPTION.sub(_setting, message)


def _setting(option: re.Match[str]) -> str:
    """What an option is called in Python."""
    name, word = option[1].replace("-", "_"), option[2]
    if name == "rule" and word:
        return f'rule="{word}"'
    name = "shares" if name.startswith("data.source.") else re.sub(r"^data\.", "kind.", name)
    return name if word is None else f"{name} {word}"
