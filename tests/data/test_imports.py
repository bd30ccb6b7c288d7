"""The data layer imports NumPy and SciPy, no JAX; of theta0 only errors, memory, file writing."""

import ast
import importlib
import inspect
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import theta0.data

ROOT = Path(theta0.data.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))
FOLDERS = ("", *sorted(path.parent.name for path in ROOT.glob("*/__init__.py")))
INNER = {"theta0.errors", "theta0.files", "theta0.memory"}
EXTRAS = {"nibabel", "pillow_heif", "pydicom", "mitsuba", "trimesh", "pycolmap"}
ALLOWED = {"numpy", "scipy", "jaxtyping", "PIL", "theta0"} | EXTRAS | set(sys.stdlib_module_names)


def package(folder: str) -> str:
    return f"theta0.data.{folder}".rstrip(".")


def imported(source: Path) -> set[str]:
    """Modules that a file imports, and packages of theta0.data of which it takes a name."""
    modules = set()
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source.name}: relative import"
            modules.add(node.module or "")
    return modules


def place(module: str) -> str:
    """The folder of a module, or the module itself if it lies beside the folders."""
    return ".".join(module.split(".")[:3])


def place_of(source: Path) -> str:
    parts = source.relative_to(ROOT).with_suffix("").parts
    return "theta0.data" if parts == ("__init__",) else f"theta0.data.{parts[0]}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_data_layer_imports_numpy_errors_and_files_only(source):
    modules = imported(source)
    assert {module.split(".")[0] for module in modules} <= ALLOWED
    inner = {module for module in modules if module.split(".")[0] == "theta0"}
    assert all(module in INNER or module.startswith("theta0.data") for module in inner)


def test_folders_import_each_other_one_way_only():
    imports = {}
    for source in SOURCES:
        others = {place(name) for name in imported(source) if name.startswith("theta0.data")}
        imports.setdefault(place_of(source), set()).update(others - {place_of(source)})
    TopologicalSorter(imports).prepare()  # raises CycleError


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_other_folders_are_imported_by_their_public_names(source):
    here = place_of(source)
    folders = {package(folder) for folder in FOLDERS} - {"theta0.data"}
    for name in imported(source):
        assert place(name) in {here, name} or place(name) not in folders, name


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_name_is_public_in_one_place(folder):
    path = ROOT / folder
    assert all(file.name.startswith("_") for file in path.glob("*.py"))
    module = importlib.import_module(package(folder))
    assert sorted(module.__all__) == sorted(set(module.__all__))
    for other in set(FOLDERS) - {folder}:
        assert not {*module.__all__} & {*importlib.import_module(package(other)).__all__}


def test_extras_are_imported_only_when_they_are_needed():
    names = ", ".join(map(package, FOLDERS))
    code = f"import sys, {names}; print(bool({EXTRAS | {'scipy'}!r} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_public_class_and_function_is_documented(folder):
    module = importlib.import_module(package(folder))
    for name in module.__all__:
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name
