"""Tyro's framed messages as one line: the option, what is wrong with it, and what to do."""

import re
from collections.abc import Collection


def one_line(box: str, command: str) -> str:
    """What a framed message says, in a line that ends with where help is."""
    lines = _lines(box)
    said = next(
        (found for say in (_unknown, _missing, _choice, _value) if (found := say(lines))),
        " ".join(" ".join(lines).split()).rstrip(". "),
    )
    return f"{said}; see theta0 {command} --help"


_SETTING = re.compile(r"([a-z][\w.]*) ((?:is|are|\().*)")
"""What says of a setting, by its name in the code, that its value cannot be"""


def as_option(message: str, names: Collection[str] | None = None) -> str:
    """An error that begins with the name of a setting, with that of its option: ``--size is 0``.

    Args:
        message: what was raised.
        names: of the settings that are options; all when left out.
    """
    found = _SETTING.match(message)
    if not found or (names is not None and found[1].partition(".")[0] not in names):
        return message
    return f"{_option(found[1])} {found[2]}"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _lines(box: str) -> list[str]:
    """The lines inside the frame, without colours and title; lines across are of hyphens alone."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", box).replace("─", "-").replace("│", " ")
    lines = [line[2:].rstrip() for line in plain.splitlines()[1:-1]]
    # A terminal that knows ASCII alone has no frame, but a line under the title.
    return lines[1:] if lines and not lines[0].strip("-") else lines


def _until_rule(lines: list[str]) -> str:
    """The first part, before what is repeated from the help."""
    text = "\n".join(lines)
    return " ".join(re.split(r"\n-{9}", text)[0].split()).rstrip(".")


def _unknown(lines: list[str]) -> str | None:
    """An option that the command does not have, and those that are like it."""
    said = _until_rule(lines)
    if not (found := re.match(r"Unrecognized options: (.*)", said)):
        return None
    words = found[1].split(", ")
    options = [word for word in words if word.startswith("-")]
    near = [match[1] for line in lines if (match := re.match(r" {4}(--\S+)", line))]
    hint = f" (did you mean {', '.join(sorted(set(near)))}?)" if near else ""
    if options:
        return f"unknown option{'s' * (len(options) > 1)} {', '.join(options)}{hint}"
    return f"unexpected argument{'s' * (len(words) > 1)} {' '.join(words)}"


def _missing(lines: list[str]) -> str | None:
    """What has to be given."""
    if not lines or not lines[0].startswith(("Missing from", "Required")):
        return None
    names = [match[1] for line in lines if (match := re.match(r" {4}(\S.*)", line))]
    return f"give {' and '.join(name for name in names if 'theta0' not in name)}"


def _choice(lines: list[str]) -> str | None:
    """A word that is none of those an option takes."""
    pattern = r"invalid choice '(.*)' for argument '(.*)'\. Expected one of \((.*)\)"
    if not (found := re.match(pattern, _until_rule(lines))):
        return None
    choices = [choice for choice in re.findall(r"'([^']*)'", found[3]) if choice != "None"]
    return f"{found[2]} {found[1]}: choose from {', '.join(choices)}"


def _value(lines: list[str]) -> str | None:
    """A value that cannot be, or that a part of an experiment refuses."""
    said = _until_rule(lines)
    if found := re.match(r"Missing value for argument '(.*)'", said):
        return f"{found[1]}: give a value"
    if not (found := re.match(r"Error parsing (\S+): (.*)", said)):
        return None
    where, what = found[1], found[2]
    if where.startswith("-"):
        return f"{where}: {what}"
    # Settings of a part of the experiment by their names in the code.
    prefix = re.sub(r"^experiment\.?", "", where)
    if not (inside := _SETTING.match(what)):
        return f"{_option(prefix)}: {what}" if prefix else what
    name = f"{prefix}.{inside[1]}" if prefix else inside[1]
    return f"{_option(name)} {inside[2]}"
