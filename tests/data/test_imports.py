"""The data layer stands on NumPy and SciPy: no JAX, and of theta0 only errors and file writing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import theta0.data

SOURCES = sorted(Path(theta0.data.__file__).parent.glob("*.py"))
INNER = {"theta0.errors", "theta0.files"}
EXTRAS = {"pydicom", "mitsuba", "trimesh", "pycolmap"}
ALLOWED = {"numpy", "scipy", "jaxtyping", "PIL", "theta0"} | EXTRAS | set(sys.stdlib_module_names)


def imported(source: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.name}: relative import"
            modules.add(node.module or "")
    return modules


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_data_layer_imports_numpy_errors_and_files_only(source):
    modules = imported(source)
    assert {module.split(".")[0] for module in modules} <= ALLOWED
    inner = {module for module in modules if module.split(".")[0] == "theta0"}
    assert all(module in INNER or module.startswith("theta0.data") for module in inner)


def test_extras_are_imported_only_when_they_are_needed():
    code = f"import sys, theta0.data; print(bool({EXTRAS | {'scipy'}!r} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


def test_every_public_name_is_documented():
    for name in theta0.data.__all__:
        assert getattr(theta0.data, name).__doc__, name
