"""Posed views of objects: read, written, or drawn by a procedure."""

from theta0.data.views._objects import GivenObjects, ObjectFolders, Objects, read_objects
from theta0.data.views._posed import Views
from theta0.data.views._procedural_objects import ProceduralObjects
from theta0.data.views._viewpoints import random_cameras
from theta0.data.views._views import (
    ViewFiles,
    ViewOptions,
    open_views,
    read_photograph,
    read_views,
)
from theta0.data.views._write import write_views

__all__ = [
    "GivenObjects",
    "ObjectFolders",
    "Objects",
    "ProceduralObjects",
    "ViewFiles",
    "ViewOptions",
    "Views",
    "open_views",
    "random_cameras",
    "read_objects",
    "read_photograph",
    "read_views",
    "write_views",
]
