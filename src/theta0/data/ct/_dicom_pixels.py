"""Decodes the frames of a DICOM file and brings their values to Hounsfield units."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Shaped

from theta0.data._files import reason
from theta0.data.ct._dicom_files import open_dataset, pydicom_quiet
from theta0.data.ct._dicom_header import Frame
from theta0.data.ct._dicom_tags import Tags
from theta0.errors import InputError, note

NOTHING = 2048.0
"""Padding is brought this far, in Hounsfield units, beyond the dark end of the values."""

_UNCOMPRESSED = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
"""Transfer syntaxes of uncompressed pixels, little or big endian."""


def decoded(
    frames: Sequence[Frame], inverted: bool
) -> Iterator[Shaped[np.ndarray, "height width"]]:
    """The values of each frame, in Hounsfield units; padding is dark beyond all of them.

    Args:
        frames: Those of a file stand together, for a file is opened once in a row.
        inverted: High values are dark.

    Raises:
        InputError: A file cannot be decoded.
    """
    file: Path | None = None
    dataset: Any = None
    for frame in frames:
        if frame.file != file:
            dataset = None  # two of them need not be in memory
            file, dataset = frame.file, open_dataset(frame.file, with_pixels=True)
            _check_pixels(file, dataset)
        stored = _stored(frame, dataset)
        values, padded = _values(frame, dataset, stored), _padded(frame, dataset, stored)
        values[padded] = NOTHING if inverted else -NOTHING
        yield values


def _check_pixels(file: Path, dataset: Any) -> None:
    """Refuse tags with which pixels cannot be decoded, or that ask for more than there are."""
    if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
        return
    if "PixelData" not in dataset:
        raise InputError(f"{file}: has no pixel data; leave it out or export it again")
    tags = Tags(file, [dataset])
    bits = {name: tags.whole(name, 0) for name in ("BitsAllocated", "BitsStored")}
    signed = tags.whole("PixelRepresentation", 0)
    for name, value in {**bits, "PixelRepresentation": signed}.items():
        if value is None:
            raise InputError(f"{file}: has no tag {name}, which decoding needs; export it again")
    allocated, stored = bits["BitsAllocated"] or 0, bits["BitsStored"] or 0
    if allocated not in (8, 16, 32, 64) or not 1 <= stored <= allocated or signed not in (0, 1):
        raise InputError(
            f"{file}: its tags BitsAllocated {allocated}, BitsStored {stored} and "
            f"PixelRepresentation {signed} are not of whole-number pixels; export it again"
        )
    if dataset.file_meta.TransferSyntaxUID in _UNCOMPRESSED:
        content = tags.get("PixelData") or b""
        if not isinstance(content, bytes):
            raise InputError(f"{file}: its tag PixelData is not of bytes; copy it again")
        _check_length(file, tags, allocated, len(content))


def _check_length(file: Path, tags: Tags, allocated: int, found: int) -> None:
    shape = [tags.whole(name, 0) or 1 for name in ("NumberOfFrames", "Rows", "Columns")]
    one = math.prod(shape[1:]) * allocated // 8
    if found < shape[0] * one:
        raise InputError(
            f"{file}: its pixels cannot be decoded: {found} bytes are there (PixelData), "
            f"{shape[0] * one} are needed for {shape[0]} frames of {shape[1]} x {shape[2]} pixels "
            f"of {allocated} bits; it is truncated, or a tag is wrong: copy it again"
        )
    if found >= (shape[0] + 1) * one:
        note(
            f"{file}: {found // one - shape[0]} frames more are stored than NumberOfFrames says; "
            "they are left out"
        )


def _stored(frame: Frame, dataset: Any) -> Shaped[np.ndarray, "height width"]:
    """The numbers that are stored, with all bits that are allocated."""
    from pydicom.pixels.utils import pixel_array

    try:
        with pydicom_quiet():
            stored = pixel_array(
                dataset, index=frame.number or 0, raw=True, correct_unused_bits=False
            )
    except Exception as error:  # decoders raise many types
        syntax = dataset.file_meta.TransferSyntaxUID
        packed = "" if syntax in _UNCOMPRESSED else f" ({getattr(syntax, 'name', 'unknown')})"
        remedy = (
            "convert it to uncompressed (gdcmconv --raw) or pip install 'pylibjpeg[all]'"
            if packed
            else "copy or export it again"
        )
        raise InputError(
            f"{frame.file}: its pixels{packed} cannot be decoded: {remedy}; pydicom says: "
            f"{reason(error)}"
        ) from error
    if stored.shape != frame.shape:
        raise InputError(
            f"{frame.file}: its pixels have shape {stored.shape}, but its tags say {frame.shape}; "
            "export it again"
        )
    return stored


def _values(
    frame: Frame, dataset: Any, stored: Shaped[np.ndarray, "height width"]
) -> Shaped[np.ndarray, "height width"]:
    """Stored numbers in Hounsfield units, float64."""
    numbers = stored if stored.dtype.kind == "f" else _of_stored_bits(frame, dataset, stored)
    if frame.scale is not None:
        return numbers * np.float64(frame.scale[0]) + frame.scale[1]
    from pydicom.pixels.processing import apply_modality_lut

    try:
        with pydicom_quiet():
            found = apply_modality_lut(numbers, dataset)
    except Exception as error:
        raise InputError(
            f"{frame.file}: its ModalityLUTSequence cannot be applied ({reason(error)}); correct it"
        ) from error
    # Entries are unsigned by the standard, which has no room for air; those of air are two's
    # complement.
    signed = np.issubdtype(found.dtype, np.unsignedinteger) and found.dtype.itemsize == 2
    return found.view(np.int16).astype(np.float64) if signed else found.astype(np.float64)


def _of_stored_bits(
    frame: Frame, dataset: Any, stored: Shaped[np.ndarray, "height width"]
) -> Int[np.ndarray, "height width"]:
    """The bits that belong to a number: others may hold overlays, or nothing."""
    bits, high, signed = _bits(frame, dataset)
    numbers = stored.astype(np.int64)
    if dataset.file_meta.TransferSyntaxUID in _UNCOMPRESSED:
        numbers >>= max(0, high + 1 - bits)
    if bits >= 64:
        return numbers
    numbers &= (1 << bits) - 1
    return numbers - ((numbers >> (bits - 1)) << bits) if signed else numbers


def _bits(frame: Frame, dataset: Any) -> tuple[int, int, bool]:
    """BitsStored, HighBit, and whether numbers are signed."""
    tags = Tags(frame.file, [dataset])
    bits = tags.whole("BitsStored", 1) or 16
    high = tags.whole("HighBit", 0)
    return bits, bits - 1 if high is None else high, tags.whole("PixelRepresentation", 0) == 1


def _padded(
    frame: Frame, dataset: Any, stored: Shaped[np.ndarray, "height width"]
) -> Bool[np.ndarray, "height width"]:
    """Where nothing is known; a padding value may need more bits than BitsStored."""
    if stored.dtype.kind == "f":
        tags = Tags(frame.file, [dataset])
        value = tags.number("FloatPixelPaddingValue")
        value = tags.number("DoubleFloatPixelPaddingValue") if value is None else value
        return np.zeros(stored.shape, bool) if value is None else stored == value
    if frame.padding is None:
        return np.zeros(stored.shape, bool)
    bits, _, signed = _bits(frame, dataset)
    width = 8 * stored.dtype.itemsize
    least, most = sorted(_wrapped(end, width, signed) for end in frame.padding)
    padded = (stored >= least) & (stored <= most)
    if all(_wrapped(end, bits, signed) == end for end in frame.padding):
        numbers = _of_stored_bits(frame, dataset, stored)
        padded |= (numbers >= frame.padding[0]) & (numbers <= frame.padding[1])
    return padded


def _wrapped(number: int, bits: int, signed: bool) -> int:
    """The number that has the same last bits, as signed or unsigned numbers have them."""
    number &= (1 << bits) - 1
    return number - (1 << bits) if signed and number >> (bits - 1) else number
