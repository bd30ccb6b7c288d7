"""Fits of objects, as ``theta0 render`` and ``theta0 export`` take them."""

from dataclasses import dataclass
from pathlib import Path

from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import Volume
from theta0.inits import load, locate, shipped
from theta0.tasks import PhotoConfig, SceneConfig, ViewConfig


@dataclass(frozen=True)
class FittedObject:
    """A field of colour and density, and what is needed to see it."""

    field: Field
    volume: Volume
    data: SceneConfig
    folder: Path
    """that was given, or that its file lies in; the working directory for a shipped start"""


def find_object(name: str) -> FittedObject:
    """A fit by its folder or file, or a learned start by its run folder, file or name.

    Raises:
        InputError: there is none, or it is of something that is not seen by cameras.
    """
    path = Path(name)
    if path.is_dir() and not (path / "init.safetensors").exists():
        path = path / "fitted.safetensors"
        # A folder of something else does not stand in the way of a shipped name; see `locate`.
        if not path.exists() and name not in shipped():
            raise InputError(
                f"{name}: holds neither fitted.safetensors nor init.safetensors; give the folder "
                "that theta0 fit or theta0 train wrote"
            )
    file = path if path.is_file() else locate(name)
    found = load(file)
    description = found.description
    data, volume = description.data, description.forward
    if not isinstance(data, ViewConfig | PhotoConfig) or not isinstance(volume, Volume):
        raise InputError(
            f"{name}: is no fit of an object seen by cameras, but of another signal; what it shows "
            "is in the files that theta0 fit writes"
        )
    folder = file.parent if file.is_relative_to(name) else Path()
    return FittedObject(found.field, volume, data, folder)
