"""Sources of signals: files or procedures become NumPy records. No JAX, no tasks."""

from theta0.data.ct import (
    HU_WINDOW,
    Slices,
    Window,
    read_dicom,
    read_npz,
    read_slice,
    read_slices,
    resize_slices,
)
from theta0.data.images import (
    PICTURE_SUFFIXES,
    ImageFolder,
    Images,
    image_paths,
    read_folder,
    read_image,
)
from theta0.data.masks import read_mask
from theta0.data.phantoms import Phantom, phantom, random_phantom, shepp_logan
from theta0.data.prefetch import Prefetch
from theta0.data.splits import Split, split

__all__ = [
    "HU_WINDOW",
    "PICTURE_SUFFIXES",
    "ImageFolder",
    "Images",
    "Phantom",
    "Prefetch",
    "Slices",
    "Split",
    "Window",
    "image_paths",
    "phantom",
    "random_phantom",
    "read_dicom",
    "read_folder",
    "read_image",
    "read_mask",
    "read_npz",
    "read_slice",
    "read_slices",
    "resize_slices",
    "shepp_logan",
    "split",
]
