"""Run folders that are damaged: one line that names the file, by theta0 eval and train --resume."""

import json

import pytest

from theta0.locks import one_at_a_time
from theta0.store import Stored, write

EVAL = ["--inits", "learned", "--steps", 1, "--signals", 1, "--tuning-signals", 1]


def checkpoint_of(step):
    """Damage: the checkpoint is of another step."""

    def damage(folder):
        stored = Stored(folder / "checkpoints" / "last.safetensors")
        facts = {name: of for name, of in stored.facts.items() if name not in ("format", "step")}
        write(stored.path, stored.arrays, facts | ({} if step is None else {"step": step}))

    return damage


def with_text(name, text):
    """Damage: a file holds something else."""
    return lambda folder: (folder / name).write_text(text)


def with_setting(**settings):
    """Damage: settings of the network are others."""

    def damage(folder):
        plain = json.loads((folder / "config.json").read_text())
        plain["field"] |= settings
        (folder / "config.json").write_text(json.dumps(plain))

    return damage


DAMAGES = [
    (checkpoint_of(10**18), "last.safetensors: step is 1000"),
    (checkpoint_of(5), "last.safetensors: step is 5, not a whole number from 1 to 4"),
    (checkpoint_of(-3), "last.safetensors: step is -3"),
    (checkpoint_of(None), "last.safetensors: step is missing"),
    (with_text("config.json", "[" * 100_000), "config.json: .*nested too deeply"),
    (with_text("config.json", ""), "config.json: not JSON"),
    (with_text("config.json", "[]"), "config.json: expected an object"),
    (with_setting(bandwidth=float("nan")), "config.json: expected a finite number, found nan"),
    (with_setting(bandwidth=10**400), "config.json: expected a finite number, found 1000"),
    (with_setting(width=[[[]]]), "config.json: expected int"),
    (with_setting(width=10**9), "config.json: width is 1000000000, .*: needs"),
    (with_text("metrics.jsonl", '{"loss":1}\n' * 3), "metrics.jsonl, record 1: step is missing"),
    (with_text("metrics.jsonl", '{"step":"x"}\n' * 3), "metrics.jsonl, record 1: step is 'x'"),
    (with_text("metrics.jsonl", "3\n3\n"), "metrics.jsonl, line 1, is not a JSON object"),
    (with_text("metrics.jsonl", "[" * 100_000 + "\n"), "metrics.jsonl, line 1, is not"),
]


@pytest.mark.parametrize("damage, words", DAMAGES)
def test_damage_is_named(refused, copied, damage, words):
    damage(copied)
    refused(words, "eval", copied, "--out", "report", *EVAL)
    refused(words, "train", "ct-phantoms", "--resume", "--out", copied)


@pytest.mark.slow
@pytest.mark.parametrize(
    "lose", [lambda log: log.write_bytes(b""), lambda log: log.unlink(), lambda log: None]
)
def test_a_lost_log_is_rebuilt(theta0, copied, tmp_path, lose):
    log = copied / "metrics.jsonl"
    last = log.read_text().splitlines()[-1]
    lose(log)
    told = theta0("eval", copied, "--out", tmp_path / "report", *EVAL, "--json")
    assert told.code == 0, told.err
    done = theta0("train", "ct-phantoms", "--resume", "--out", copied, "--json")
    assert done.code == 0, done.err
    assert json.loads(log.read_text().splitlines()[-1]) == json.loads(last)
    kept = log.read_text().count("\n") == 4
    assert kept or ("metrics.jsonl: ends at step 0" in done.json["warnings"][0])
    assert kept or ("metrics.jsonl: ends at step 0" in told.json["warnings"][0])


def test_leftovers_of_a_killed_write_are_removed(theta0, copied):
    for folder in (copied, copied / "checkpoints"):
        (folder / ".theta0-00ff.tmp").write_bytes(b"half")
    assert theta0("train", "ct-phantoms", "--resume", "--out", copied).code == 0
    assert not list(copied.rglob(".theta0*"))


@pytest.mark.parametrize("flag", ["--resume", "--overwrite"])
def test_a_second_run_in_a_folder_is_refused(refused, copied, flag):
    before = sorted(copied.rglob("*"))
    with one_at_a_time(copied, ""):
        words = rf"{copied}: another run \(process \d+\) writes there; wait until it ends"
        refused(words, "train", "ct-phantoms", "--scale", "smoke", flag, "--out", copied)
    assert sorted(copied.rglob("*")) == before


def test_a_folder_in_which_a_run_was_killed_at_once_can_be_used(theta0, tmp_path):
    out = tmp_path / "run"
    out.mkdir()
    (out / ".theta0.lock").write_text("123456")
    assert theta0("train", "ct-phantoms", "--scale", "smoke", "--out", out).code == 0
    assert not (out / ".theta0.lock").exists()
