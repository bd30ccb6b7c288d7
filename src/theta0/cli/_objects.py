"""Fits of objects, as ``theta0 render`` and ``theta0 export`` take them."""

from dataclasses import dataclass
from pathlib import Path

from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import Volume
from theta0.inits import load, locate, shipped
from theta0.signals import SceneConfig


@dataclass(frozen=True)
class FittedObject:
    """A field of colour and density, and what is needed to render it."""

    field: Field
    volume: Volume
    data: SceneConfig
    folder: Path
    """that was given, or that holds its file; the working directory for a shipped initialization"""


def find_object(name: str) -> FittedObject:
    """A fit by its folder or file, or a learned initialization by run folder, file or name.

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
    data = data.as_scene(name)
    if not isinstance(volume, Volume):
        raise InputError(f"{name}: is measured by {type(volume).__name__}, not seen by cameras")
    folder = file.parent if file.is_relative_to(name) else Path()
    return FittedObject(found.field, volume, data, folder)
