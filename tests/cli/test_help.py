"""Help, version, and the commands that only tell."""

import re
import shlex
import subprocess
import sys

import pytest

from theta0 import __version__, cli
from theta0.cli import COMMANDS, _common
from theta0.cli.data import OTHERS
from theta0.errors import InputError
from theta0.inits import load, shipped
from theta0.presets import PRESETS

EVERY = [[], *([command] for command in COMMANDS), *(["train", preset] for preset in PRESETS)]


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_help_shows_examples_of_the_command(theta0, command):
    done = theta0(*command, "--help")
    assert done.code == 0 and done.err == ""
    examples = done.out.split("examples:")[1]
    lines = re.findall(r"^  theta0 (?:--plugin \S+ )?(\S+)", examples, re.MULTILINE)
    assert lines and set(lines) <= set(COMMANDS)
    if command:
        assert set(lines) == {command[0]}


def examples_of(text: str) -> list[list[str]]:
    """Command lines of the examples of a help page that need no plug-in, without ``theta0``."""
    examples = text.split("examples:")[1]
    lines = re.findall(r"^  theta0 (?!--plugin)(.+)$", examples, re.MULTILINE)
    return [shlex.split(line) for line in lines if not line.endswith("--help")]


@pytest.mark.parametrize(
    "page",
    [*([command] for command in COMMANDS), *(["data", name] for name in OTHERS), []],
    ids=" ".join,
)
def test_the_examples_are_understood(theta0, monkeypatch, tmp_path, page):
    examples = [words for words in examples_of(theta0(*page, "--help").out) if words[0] in COMMANDS]
    assert examples
    monkeypatch.chdir(tmp_path)
    cli = _common.tyro.cli

    def understood(*arguments, **options):
        cli(*arguments, **options)
        raise InputError("understood, and not done")

    monkeypatch.setattr(_common.tyro, "cli", understood)
    for words in examples:
        done = theta0(*words, "--json")
        assert done.json == {"error": "understood, and not done"}, words


def test_every_command_is_listed(theta0):
    done = theta0("--help")
    assert all(re.search(rf"^  {command} ", done.out, re.MULTILINE) for command in COMMANDS)


def test_help_names_positional_arguments_and_hides_the_obvious(theta0):
    done = theta0("fit", "--help")
    assert re.search(r"usage: theta0 fit .*INIT SIGNAL", done.out)
    assert "--no-" not in theta0("train", "ct-phantoms", "--help").out.replace(
        "--data.no-", ""
    ).replace("--forward.no-", "")


@pytest.mark.parametrize("flag", ["--version", "version"])
def test_version(theta0, flag):
    done = theta0(flag)
    assert (done.code, done.out, done.err) == (0, __version__ + "\n", "")


def test_nothing_given_is_bad_input(theta0):
    done = theta0()
    assert (
        done.code == 2 and done.out == "" and "usage: theta0 [--plugin FILE.py] COMMAND" in done.err
    )


def test_help_does_not_wait_for_jax():
    program = "import sys; from theta0.cli import run; run(['--help']); print('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--help"], ["train", "images", "--help"]], ids=" ".join)
def test_a_reader_that_leaves_early_is_no_error(words):
    call = subprocess.Popen(
        [sys.executable, "-m", "theta0", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert call.stdout and call.stderr
    call.stdout.close()
    assert call.stderr.read() == b"" and call.wait() == 0
    call.stderr.close()


def test_a_broken_pipe_of_a_command_is_an_error(theta0, monkeypatch):
    def to_a_process_that_died(argv):
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("theta0.cli.inits.main", to_a_process_that_died)
    done = theta0("inits", "--json")
    assert done.code == 1 and "Broken pipe" in done.json["error"]


def test_more_than_memory_holds_is_bad_input(theta0, monkeypatch):
    def greedy(argv):
        raise MemoryError("48.8 GiB")

    monkeypatch.setattr("theta0.cli.inits.main", greedy)
    done = theta0("inits", "--json")
    assert done.code == 2 and "not enough memory for what was asked for" in done.json["error"]


def test_names_of_initializations_are_not_cut(theta0, monkeypatch):
    from theta0.inits import shipped

    told = theta0("inits").err
    assert all(f" {name} " in told for name in shipped())


def test_inits(theta0):
    from theta0.inits import shipped

    done = theta0("inits", "--json")
    assert done.code == 0 and set(done.json["inits"]) == set(shipped())


def test_info(theta0, ct_run):
    done = theta0("info", ct_run, "--json")
    assert done.code == 0 and len(done.out.splitlines()) == 1
    told = done.json
    # 8 features in, 8 wide, 1 out, with biases: 8 * 8 + 8 + 8 + 1.
    assert told["weights"] == 81 and told["field"]["kind"] == "fourier"
    assert told["preset"] == "ct-phantoms" and told["provenance"]["outer_steps"] in (2, 4)
    assert "weights: 81" in done.err


@pytest.mark.parametrize(
    "name, words",
    [
        ("face", "nothing is called 'face' .did you mean faces"),
        ("sirn", "nothing is called 'sirn' .did you mean siren"),
        ("meta-sgd", "did you mean metasgd"),
        ("qqq", "'qqq' is neither a file, a run folder, nor a shipped initialization; choose from"),
    ],
)
def test_info_names_what_is_like_an_unknown_name(refused, name, words):
    refused(words, "info", name)


def test_info_speaks_the_words_of_the_command_line(theta0):
    told = theta0("info", "maml", "--json")
    assert (
        told.json["settings"] | {"rule": "sgd:0.01", "objective": "none"} == told.json["settings"]
    )
    assert theta0("info", "then", "--json").json["settings"]["first"] == "required"
    assert list(theta0("info", "rules", "--json").json) == ["rule"]


def test_info_says_of_which_version_a_command_is(theta0, ct_run):
    facts = load(shipped()["faces"]).description.provenance
    told = theta0("info", "faces").err
    assert f"command (as of theta0 {facts['theta0']}, commit {facts['commit']}; options" in told
    assert "as of theta0" not in theta0("info", ct_run).err  # it is of this very one


def test_inits_cut_no_address(theta0):
    told = re.sub(r"[\s│]", "", theta0("inits").err)
    assert "10.6084/m9.fig" in told and "…" not in told


@pytest.mark.parametrize("json", [False, True])
def test_an_interrupt_ends_the_process_at_once(monkeypatch, capsys, json):
    # Not by a regular exit, during which JAX may crash.
    def interrupted(argv):
        raise KeyboardInterrupt

    def leave(code):
        raise SystemExit(f"at once: {code}")

    monkeypatch.setattr(cli, "run", interrupted)
    monkeypatch.setattr(cli.os, "_exit", leave)
    monkeypatch.setattr(sys, "argv", ["theta0", "inits", *["--json"] * json])
    with pytest.raises(SystemExit, match="at once: 1"):
        cli.main()
    out, err = capsys.readouterr()
    assert err == "theta0: error: interrupted\n"
    assert out == '{"error": "interrupted"}\n' * json


@pytest.mark.parametrize("code", [0, 2])
def test_a_command_that_was_not_interrupted_exits_as_usual(monkeypatch, code):
    monkeypatch.setattr(cli, "run", lambda argv: code)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
