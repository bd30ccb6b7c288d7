"""Imports point down only, and `theta0 --help` loads neither JAX nor Matplotlib."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import theta0

ROOT = Path(theta0.__file__).parent
SOURCES = sorted(ROOT.rglob("*.py"))

# Each imports only what stands before it: the layers of CONTRIBUTING.md, and the modules between.
ORDER = [
    "__init__", "errors", "memory", "locks", "registry", "config", "files", "store", "metrics",
    "data", "report", "classic", "fields", "forward", "signals", "inner", "meta", "conformance",
    "inits", "evaluation", "reconstruct", "presets", "front", "paper", "cli", "__main__",
]  # fmt: skip

INSIDE_FUNCTIONS = {"matplotlib", "skimage", "pydicom", "nibabel", "imageio_ffmpeg"}
HEAVY = {"jax", "equinox", "optax", "numpy", "PIL", *INSIDE_FUNCTIONS}


def imported(source: str, package: list[str], functions: bool = True) -> set[str]:
    """Full names of the modules that a source imports.

    Args:
        source: Python text.
        package: names of the package it lies in, from the top.
        functions: count imports inside functions, and those for type checkers, too.
    """
    names: set[str] = set()
    nodes: list[ast.AST] = [ast.parse(source)]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = [*base, *(node.module or "").split(".")] if node.module else base
            # `from theta0 import x` names the module x, or a value of the package itself.
            names |= {".".join([*module, alias.name]) for alias in node.names}
        elif not functions and (
            isinstance(node, ast.FunctionDef)
            or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        ):
            continue
        nodes += ast.iter_child_nodes(node)
    return names


def of(path: Path, functions: bool = True) -> set[str]:
    package = ["theta0", *path.relative_to(ROOT).parent.parts]
    return imported(path.read_text("utf-8"), package, functions)


def layer(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def test_imports_are_read_right():
    source = "import a.b\nfrom . import c\nfrom .d import e\nfrom ..f import g\ndef h(): import i"
    assert imported(source, ["t", "u"]) == {"a.b", "t.u.c", "t.u.d.e", "t.f.g", "i"}
    assert "i" not in imported(source, ["t", "u"], functions=False)


def test_every_module_has_its_place():
    assert {layer(path) for path in SOURCES} == set(ORDER)


@pytest.mark.parametrize("name", ORDER)
def test_imports_never_point_up(name):
    allowed = set(ORDER[: ORDER.index(name) + 1])
    for path in SOURCES:
        for module in of(path) if layer(path) == name else ():
            top, *rest = module.split(".")
            target = rest[0] if rest and rest[0] in ORDER else "__init__"
            assert top != "theta0" or target in allowed, f"{path.relative_to(ROOT)}: {module}"


def test_contributing_lists_the_layers_in_this_order():
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text("utf-8")
    (block,) = (part for part in text.split("\n\n") if part.strip().startswith("data ->"))
    layers = [word for word in block.split() if word != "->"]
    assert layers == [name for name in ORDER if name in layers]
    assert set(layers) == {path.parent.name for path in ROOT.glob("*/__init__.py")}


def test_data_classic_and_report_never_import_jax():
    for path in SOURCES:
        if layer(path) in ("data", "classic", "report"):
            assert not {module.split(".")[0] for module in of(path)} & {"jax", "equinox", "optax"}


def test_heavy_libraries_are_imported_inside_functions():
    heavy = {
        f"{path.relative_to(ROOT)}: {module}"
        for path in SOURCES
        for module in of(path, functions=False)
        if module.split(".")[0] in INSIDE_FUNCTIONS
    }
    assert not heavy


@pytest.mark.parametrize("module", ["theta0", "theta0.cli"])
def test_importing_loads_nothing_heavy(module):
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & HEAVY
