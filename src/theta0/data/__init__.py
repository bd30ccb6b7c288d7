"""Sources of signals: files or procedures become NumPy records. No JAX, no tasks."""

from theta0.data._files import MAX_BYTES, check_memory
from theta0.data._mesh_variants import Variant, random_variant
from theta0.data.cameras import Camera
from theta0.data.celeba import CelebA
from theta0.data.ct import (
    HU_WINDOW,
    Slices,
    Window,
    constant,
    read_dicom,
    read_npz,
    read_slice,
    read_slices,
    resize_slices,
)
from theta0.data.folder import Folder
from theta0.data.imagenette import Imagenette
from theta0.data.images import (
    PICTURE_SUFFIXES,
    Images,
    image_paths,
    read_folder,
    read_image,
    read_images,
)
from theta0.data.masks import read_mask, require_seen
from theta0.data.mesh_sets import MeshObject, find_meshes
from theta0.data.meshes import Mesh, MeshLimits
from theta0.data.objects import ObjectFolders, Objects, read_objects
from theta0.data.phantoms import Phantom, phantom, random_phantom, shepp_logan
from theta0.data.photo_folders import PhotoFolder, PhotoOptions, read_photos
from theta0.data.photos import Photo, Photos, Relightable
from theta0.data.picture_arrays import Arrays
from theta0.data.pictures import Pictures, PicturesInMemory, PictureSource
from theta0.data.prefetch import Prefetch
from theta0.data.procedural import write_npz
from theta0.data.procedural_objects import ProceduralObjects
from theta0.data.register_photos import RegisterConfig, Registered, register_photos
from theta0.data.render_views import RenderConfig, Rendered, render_views
from theta0.data.sdf import SDF, random_curve, signed_distance
from theta0.data.similarity import Similarity
from theta0.data.sinograms import Sinogram, holds_sinogram, read_sinogram
from theta0.data.slice_splits import SliceSplits, read_slice_splits
from theta0.data.splits import Split, split
from theta0.data.text import Text
from theta0.data.tourist_town import TouristTown
from theta0.data.views import (
    ViewFiles,
    ViewOptions,
    Views,
    open_views,
    read_photograph,
    read_views,
)
from theta0.data.write_photos import write_photos
from theta0.data.write_views import write_views

__all__ = [
    "HU_WINDOW",
    "MAX_BYTES",
    "PICTURE_SUFFIXES",
    "SDF",
    "Arrays",
    "Camera",
    "CelebA",
    "Folder",
    "Imagenette",
    "Images",
    "Mesh",
    "MeshLimits",
    "MeshObject",
    "ObjectFolders",
    "Objects",
    "Phantom",
    "Photo",
    "PhotoFolder",
    "PhotoOptions",
    "Photos",
    "PictureSource",
    "Pictures",
    "PicturesInMemory",
    "Prefetch",
    "ProceduralObjects",
    "RegisterConfig",
    "Registered",
    "Relightable",
    "RenderConfig",
    "Rendered",
    "Similarity",
    "Sinogram",
    "SliceSplits",
    "Slices",
    "Split",
    "Text",
    "TouristTown",
    "Variant",
    "ViewFiles",
    "ViewOptions",
    "Views",
    "Window",
    "check_memory",
    "constant",
    "find_meshes",
    "holds_sinogram",
    "image_paths",
    "open_views",
    "phantom",
    "random_curve",
    "random_phantom",
    "random_variant",
    "read_dicom",
    "read_folder",
    "read_image",
    "read_images",
    "read_mask",
    "read_npz",
    "read_objects",
    "read_photograph",
    "read_photos",
    "read_sinogram",
    "read_slice",
    "read_slice_splits",
    "read_slices",
    "read_views",
    "register_photos",
    "render_views",
    "require_seen",
    "resize_slices",
    "shepp_logan",
    "signed_distance",
    "split",
    "write_npz",
    "write_photos",
    "write_views",
]
