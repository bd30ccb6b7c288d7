"""Computed tomography: slices from files, phantoms and measured sinograms."""

from theta0.data.ct._dicom import read_dicom
from theta0.data.ct._formats import SLICE_FORMATS
from theta0.data.ct._phantoms import Phantom, phantom, random_phantom, shepp_logan
from theta0.data.ct._plausible import check_slice
from theta0.data.ct._rays import fan_rays, parallel_rays
from theta0.data.ct._read import read_npz, read_slice, read_slices
from theta0.data.ct._sinograms import Sinogram, checked_sinogram, holds_sinogram, read_sinogram
from theta0.data.ct._slice_splits import SliceSplits, read_slice_splits
from theta0.data.ct._slices import (
    HU_WINDOW,
    Slices,
    Window,
    as_unit_range,
    assumed_window,
    check_numbers,
    constant,
    is_mask,
    resize_slices,
)

__all__ = [
    "HU_WINDOW",
    "SLICE_FORMATS",
    "Phantom",
    "Sinogram",
    "SliceSplits",
    "Slices",
    "Window",
    "as_unit_range",
    "assumed_window",
    "check_numbers",
    "check_slice",
    "checked_sinogram",
    "constant",
    "fan_rays",
    "holds_sinogram",
    "is_mask",
    "parallel_rays",
    "phantom",
    "random_phantom",
    "read_dicom",
    "read_npz",
    "read_sinogram",
    "read_slice",
    "read_slice_splits",
    "read_slices",
    "resize_slices",
    "shepp_logan",
]
