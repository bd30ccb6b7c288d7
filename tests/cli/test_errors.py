"""Whatever is raised ends in one line, a hint where it was not expected, and an exit code."""

import errno
import re

import pytest

from theta0.cli._common import guarded
from theta0.cli._errors import in_a_line


class XlaRuntimeError(RuntimeError):
    """As jaxlib calls its errors."""


@pytest.mark.parametrize(
    "error, code, words",
    [
        (KeyError("x"), 1, "unexpected KeyError: 'x'; .*report it.*--traceback"),
        (RecursionError("maximum recursion depth exceeded"), 1, "unexpected RecursionError"),
        (AssertionError(), 1, "unexpected AssertionError: ; "),
        (ValueError("two\nlines"), 1, "unexpected ValueError: two lines;"),
        (MemoryError("Unable to allocate 7.45 GiB"), 2, "not enough memory.*7.45 GiB"),
        (XlaRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes."), 2,
         "not enough memory for what was asked for; choose smaller sizes .RESOURCE"),
        (OverflowError("Python int too large to convert to C long"), 1, "unexpected OverflowError"),
        (OSError(errno.ENOSPC, "No space left on device", "runs/config.json"), 1,
         "runs/config.json: the disk is full; free some space"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), 1, "a: Permission denied$"),
        (OSError("its own words"), 1, "its own words$"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_errors_are_one_line(capsys, error, code, words, as_json):
    def command(rest):
        raise error

    assert guarded(command, ["fit", *as_json]) == code
    out, err = capsys.readouterr()
    assert re.match(f"theta0: error: .*{words}", err, re.MULTILINE) and err.count("\n") == 1
    assert out.count("\n") == len(as_json)


def test_a_long_message_is_cut():
    line, _ = in_a_line(ValueError("x" * 10_000), (), ())
    assert len(line) < 600


@pytest.mark.parametrize("argv", [["info", "nothing", "--traceback"], ["--traceback", "info", "x"]])
def test_a_traceback_is_shown_if_it_is_asked_for(theta0, argv):
    done = theta0(*argv)
    assert done.code == 2
    assert done.err.startswith("Traceback") and "theta0: error: " in done.err.splitlines()[-1]
    assert "Traceback" not in theta0(*[word for word in argv if word != "--traceback"]).err


def test_the_usage_tells_of_it(theta0):
    assert "--traceback" in theta0("--help").out


def test_a_result_that_json_cannot_hold_is_an_error_too(capsys):
    assert guarded(lambda rest: {"found": object()}, ["fit", "--json"]) == 1
    assert "unexpected TypeError" in capsys.readouterr().err


PLUGIN = """
from dataclasses import dataclass

import equinox as eqx

import theta0


@theta0.register("field", "odd")
@dataclass(frozen=True)
class Odd(theta0.NetworkConfig):
    in_size: int = 2
    out_size: int = 1

    def build(self, key):
        raise {error}
"""


@pytest.mark.parametrize("error", ["KeyError('colour')", "RuntimeError('no')"])
def test_a_plug_in_that_raises_is_named(refused, tmp_path, error):
    file = tmp_path / "odd.py"
    file.write_text(PLUGIN.format(error=error))
    words = rf"--plugin \S*odd.py: line 16: {re.escape(error.split('(')[0])}"
    argv = ["--plugin", file, "train", "ct-phantoms", "--scale", "smoke", "--field", "odd"]
    refused(words, *argv)


def test_a_plug_in_is_named_where_it_is_the_cause(refused, tmp_path):
    """The network is found not to fit the signals, but only because it raises."""
    file = tmp_path / "odd.py"
    text = PLUGIN.format(error="").replace("        raise \n", "        return OddField(self)\n")
    text += """

class OddField(theta0.Field):
    config: Odd = eqx.field(static=True)

    def __call__(self, x):
        raise KeyError("colour")
"""
    file.write_text(text)
    argv = ["--plugin", file, "train", "ct-phantoms", "--scale", "smoke", "--field", "odd"]
    refused(r"does not fit these signals.*--plugin \S*odd.py: line \d+: KeyError", *argv)


def test_a_plug_in_may_be_at_fault_where_it_cannot_be_told():
    line, code = in_a_line(TypeError("no JAX type"), (), ["odd.py"])
    assert code == 1 and "unless odd.py is at fault, it is one of theta0" in line
