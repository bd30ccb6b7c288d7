"""What the tags of a TIFF file say of its numbers, where Pillow does not act on it."""

from PIL import Image

from theta0.errors import InputError

BITS, PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_SIGNED = 2


def tag(image: Image.Image, number: int, default: int) -> int:
    """The largest value of a tag; the default for files of other formats."""
    value = getattr(image, "tag_v2", {}).get(number, default)
    return max(value) if isinstance(value, tuple) else value


def bits(image: Image.Image) -> int:
    """Bits per sample of a TIFF file; 8 for other formats."""
    return tag(image, BITS, 8)


def is_signed(image: Image.Image) -> bool:
    """Whether a TIFF file holds signed integers."""
    return tag(image, _SAMPLE_FORMAT, 1) == _SIGNED


def require_unsigned(name: str, image: Image.Image) -> None:
    """Refuse numbers that are not the brightness of a picture.

    Raises:
        InputError: They are signed, or integers of 32 bits.
    """
    signed = is_signed(image)
    if signed or (image.mode == "I" and image.format == "TIFF"):
        raise InputError(
            f"{name}: holds {'signed ' * signed}integers of {bits(image)} bits, not a picture; "
            "save pictures as unsigned 8-bit or 16-bit integers. Hounsfield units belong in .npy, "
            ".npz, DICOM, NIfTI or TIFF files that are read as CT slices"
        )


def full_scale(image: Image.Image) -> int:
    """White of a picture of more than 8 bits: 4095 for a TIFF file of 12 bits."""
    return (1 << bits(image)) - 1 if image.format == "TIFF" else 65535


def white_is_zero(image: Image.Image) -> bool:
    """Whether 0 is white; Pillow inverts pictures of up to 8 bits itself."""
    return image.format == "TIFF" and image.mode != "F" and tag(image, PHOTOMETRIC, 1) == 0
