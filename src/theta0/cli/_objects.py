"""Fits of objects, as ``theta0 render`` and ``theta0 export`` take them."""

from dataclasses import dataclass
from pathlib import Path

from theta0.errors import InputError
from theta0.fields import Field
from theta0.forward import Volume
from theta0.inits import find, load
from theta0.tasks import PhotoConfig, SceneConfig, ViewConfig


@dataclass(frozen=True)
class FittedObject:
    """A field of colour and density, and what is needed to see it."""

    field: Field
    volume: Volume
    data: SceneConfig


def find_object(name: str) -> FittedObject:
    """A fit by its folder or file, or a learned start by its run folder, file or name.

    Raises:
        InputError: there is none, or it is of something that is not seen by cameras.
    """
    path = Path(name)
    if path.is_dir() and not (path / "init.safetensors").exists():
        path = path / "fitted.safetensors"
        if not path.exists():
            raise InputError(
                f"{name}: holds neither fitted.safetensors nor init.safetensors; give the folder "
                "that theta0 fit or theta0 train wrote"
            )
    found = load(path) if path.is_file() else find(name)
    description = found.description
    data, volume = description.data, description.forward
    if not isinstance(data, ViewConfig | PhotoConfig) or not isinstance(volume, Volume):
        raise InputError(
            f"{name}: is no fit of an object seen by cameras, but of another signal; what it shows "
            "is in the files that theta0 fit writes"
        )
    return FittedObject(found.field, volume, data)
