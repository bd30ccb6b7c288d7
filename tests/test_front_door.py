"""The names under ``theta0``: complete, documented, imported when they are used."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import theta0

ROOT = Path(theta0.__file__).parent
PACKAGES = sorted(
    path.parent.relative_to(ROOT.parent).as_posix().replace("/", ".")
    for path in ROOT.rglob("__init__.py")
    if path.parent != ROOT
)


def test_every_name_of_the_stub_can_be_had():
    for name in theta0.__all__:
        assert getattr(theta0, name) is not None
    assert set(theta0.__all__) <= set(dir(theta0))


@pytest.mark.slow
def test_importing_theta0_imports_nothing_heavy_and_using_a_name_does():
    code = (
        "import sys, theta0; before = 'jax' in sys.modules; theta0.SGD; "
        "print(before, 'jax' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_types_are_shipped():
    assert (ROOT / "py.typed").is_file() and (ROOT / "__init__.pyi").is_file()


def public(package: str):
    """Public names of a package, with what they are."""
    module = __import__(package, fromlist=["_"])
    return [(f"{package}.{name}", getattr(module, name)) for name in getattr(module, "__all__", ())]


@pytest.mark.parametrize("package", ["theta0", *PACKAGES])
def test_every_public_name_is_documented(package):
    missing = []
    for name, found in public(package):
        if not _ours(found):
            continue
        if not (found.__doc__ or "").strip() or _generated(found):
            missing.append(name)
        if inspect.isclass(found) and found.__module__.startswith("theta0"):
            missing += [
                f"{name}.{method}"
                for method, of in vars(found).items()
                if inspect.isfunction(of)
                and not method.startswith("_")
                and not _inherited(found, method)
                and not (of.__doc__ or "").strip()
            ]
    assert not missing


def _ours(found) -> bool:
    """Whether it is a class or function of theta0, no alias of a type."""
    ours = inspect.isclass(found) or inspect.isfunction(found)
    return ours and found.__module__.startswith("theta0")


def _generated(found) -> bool:
    """Whether a docstring is what `dataclass` or `NamedTuple` writes itself."""
    return inspect.isclass(found) and (found.__doc__ or "").startswith(f"{found.__name__}(")


def _inherited(kind: type, method: str) -> bool:
    """Whether a method implements one that a base class documents."""
    bases = (vars(base).get(method) for base in kind.__mro__[1:])
    return any((getattr(of, "__doc__", None) or "").strip() for of in bases if of is not None)


def test_one_path_a_name():
    """No public name of one storey's package is exported again by another's, but by ``theta0``."""
    seen: dict[int, str] = {}
    doubled = []
    for package in PACKAGES:
        for name, found in public(package):
            if not _ours(found):
                continue
            if id(found) in seen:
                doubled.append((seen[id(found)], name))
            seen[id(found)] = name
    assert not doubled


def test_settings_say_what_they_are():
    """Every field of a public settings dataclass has a docstring under it: that is its help."""
    missing = []
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.ClassDef) and node.name.endswith("Config")):
                continue
            body = node.body
            for here, after in zip(body, [*body[1:], None], strict=True):
                if isinstance(here, ast.AnnAssign) and "ClassVar" not in ast.unparse(
                    here.annotation
                ):
                    if not (isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)):
                        missing.append(f"{node.name}.{ast.unparse(here.target)}")
    assert not missing
