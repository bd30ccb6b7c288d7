"""The initializations that come with the package, and finding one by name, file or run folder."""

from pathlib import Path

from theta0.errors import InputError, did_you_mean

from ._file import Initialization, load

FOLDER = Path(__file__).parent / "shipped"


def shipped() -> dict[str, Path]:
    """Files of the shipped initializations by name."""
    return {path.stem: path for path in sorted(FOLDER.glob("*.safetensors"))}


def find(name: str) -> Initialization:
    """Load an initialization from a shipped name, a file, a run folder or the folder of a fit.

    Raises:
        InputError: there is none of that name; the message lists what there is.
    """
    return load(locate(name))


def locate(name: str) -> Path:
    """The file of an initialization by a shipped name, its own path, its run folder or its fit.

    A folder that is no run does not stand in the way of a shipped name: pictures of faces may well
    lie in ``faces``.

    Raises:
        InputError: there is none of that name; the message lists what there is.
    """
    path = Path(name)
    if (path / "init.safetensors").is_file():
        return path / "init.safetensors"
    if (path / "fitted.safetensors").is_file():
        return path / "fitted.safetensors"
    if name in shipped() and not path.is_file():
        return shipped()[name]
    if (path / "config.json").is_file():
        raise InputError(
            f"{name}: a run without init.safetensors, which it writes at its first validation; "
            "continue it with theta0 train --resume"
        )
    if path.is_dir():
        raise InputError(
            f"{name}: a folder, but no run of theta0 train, which holds init.safetensors; give "
            "such a folder, a file, or a shipped name (theta0 inits)"
        )
    if path.exists() or path.suffix:
        return path
    hint = did_you_mean(name, shipped())
    raise InputError(
        f"{name!r} is neither a file, a run folder, nor a shipped initialization{hint}; choose "
        f"from {', '.join(shipped()) or 'none'}, or see theta0 inits"
    )
