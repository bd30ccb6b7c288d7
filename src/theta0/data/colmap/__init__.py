"""COLMAP's models, and the process that runs COLMAP."""

from theta0.data.colmap._model import ColmapImage, ColmapModel, count_images, is_colmap, read_colmap
from theta0.data.colmap._run import Progress, Reconstruction, require_pycolmap, run_colmap

__all__ = [
    "ColmapImage",
    "ColmapModel",
    "Progress",
    "Reconstruction",
    "count_images",
    "is_colmap",
    "read_colmap",
    "require_pycolmap",
    "run_colmap",
]
