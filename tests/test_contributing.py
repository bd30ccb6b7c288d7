"""What CONTRIBUTING shows runs, from top to bottom: a smallest part of each kind."""

import re
import sys
import types
from pathlib import Path

import pytest

from theta0.registry import all_registries

pytestmark = pytest.mark.usefixtures("quick_compilation", "registries_as_before")

TEXT = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.S)


@pytest.mark.slow
def test_the_parts_that_are_shown_pass_their_checks_and_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    module = types.ModuleType("parts_of_contributing")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    before = {registry.key: len(registry.names()) for registry in all_registries()}
    exec(compile("\n".join(BLOCKS), "CONTRIBUTING.md", "exec"), vars(module))
    # One of each kind, and every one of them is fitted or learned with in the end.
    after = {registry.key: len(registry.names()) for registry in all_registries()}
    assert after == {key: count + 1 for key, count in before.items()}
    fitted, learned = capsys.readouterr().out.splitlines()
    assert fitted.startswith("Fitted('own', steps=2") and "LearnedInitialization" in learned
