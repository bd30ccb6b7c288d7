"""Posed photographs of one place: read, registered by structure from motion, and written."""

from theta0.data.photos._folders import PhotoFolder, read_photos
from theta0.data.photos._options import PhotoOptions
from theta0.data.photos._photos import Photo, Photos, Relightable
from theta0.data.photos._register import RegisterConfig, Registered, register_photos
from theta0.data.photos._similarity import Similarity
from theta0.data.photos._write import Part, write_photos

__all__ = [
    "Part",
    "Photo",
    "PhotoFolder",
    "PhotoOptions",
    "Photos",
    "RegisterConfig",
    "Registered",
    "Relightable",
    "Similarity",
    "read_photos",
    "register_photos",
    "write_photos",
]
