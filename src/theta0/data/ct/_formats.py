"""The formats that CT slices are read from: one list, for messages and help."""

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
"""Of files that are meant as DICOM, whatever they hold; others are known by their first bytes."""

VOLUME_SUFFIXES = (".nii", ".nii.gz", ".mhd", ".mha")

TIFF_SUFFIXES = (".tif", ".tiff")

SLICE_FORMATS = (
    "DICOM (a file, or a folder of one series), NIfTI (.nii, .nii.gz), MetaImage (.mhd, .mha), "
    "NumPy (.npy, .npz), TIFF (of one page or several), other grey pictures (.png, .jpg, ...), a "
    "folder of pictures, the slices of one stack, or a folder of volumes, one a patient"
)
"""What a CT slice, or a stack of them, may be stored as."""
