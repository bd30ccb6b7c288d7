"""Classes of pictures: folders, data sets and procedures, read as squares of one size."""

from theta0.data.images._celeba import CelebA
from theta0.data.images._folder import Folder
from theta0.data.images._imagenette import Imagenette
from theta0.data.images._images import (
    Images,
    image_size,
    read_folder,
    read_image,
    read_images,
    read_upright,
)
from theta0.data.images._listing import PICTURE_SUFFIXES, image_names, image_paths, pictures_in
from theta0.data.images._masks import read_mask, require_seen, square_mask
from theta0.data.images._picture_arrays import Arrays
from theta0.data.images._pictures import Pictures, PicturesInMemory, PictureSource
from theta0.data.images._sdf import SDF, random_curve, signed_distance
from theta0.data.images._text import Text
from theta0.data.images._write import write_npz

__all__ = [
    "PICTURE_SUFFIXES",
    "SDF",
    "Arrays",
    "CelebA",
    "Folder",
    "Imagenette",
    "Images",
    "PictureSource",
    "Pictures",
    "PicturesInMemory",
    "Text",
    "image_names",
    "image_paths",
    "image_size",
    "pictures_in",
    "random_curve",
    "read_folder",
    "read_image",
    "read_images",
    "read_mask",
    "read_upright",
    "require_seen",
    "signed_distance",
    "square_mask",
    "write_npz",
]
