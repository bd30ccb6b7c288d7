"""Reads MetaImage volumes (.mha, or .mhd with a file of voxels) in Hounsfield units."""

import zlib
from pathlib import Path

import numpy as np
from jaxtyping import Float

from theta0.data._files import existing_file, named
from theta0.data.ct._voxels import Volume, check_voxels
from theta0.errors import InputError, note

_MOST_HEADER = 1 << 16
"""Bytes of a header; it is text of a dozen lines."""

_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4",
    "MET_UINT": "u4", "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4", "MET_DOUBLE": "f8",
}  # fmt: skip

_FROM = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "I": (2, 1), "S": (2, -1)}
"""Axis of LPS and direction of an axis that begins at that side of the patient."""


def read_metaimage(path: str | Path, max_bytes: int) -> Volume:
    """Read an .mhd or .mha file.

    Raises:
        InputError: The file is damaged, or is not one volume of real numbers in one file.
    """
    path = existing_file(path)
    fields, end = _fields(path)
    if fields.get("ObjectType", "Image").lower() != "image":
        raise InputError(f"{path}: is a MetaImage of {fields['ObjectType']}; give an Image")
    modality = fields.get("Modality", "MET_MOD_CT").removeprefix("MET_MOD_")
    if modality not in ("CT", "OTHER", "UNKNOWN"):
        raise InputError(f"{path}: is of modality {modality}, not in Hounsfield units; give CT")
    shape = _shape(path, fields)
    kind = _dtype(path, fields)
    file, start = _place(path, fields, end)
    size = check_voxels(path, shape, kind, file.stat().st_size, max_bytes)
    content = _content(path, fields, file, start, size)
    # The first axis runs fastest.
    voxels = np.frombuffer(content, kind).reshape(shape[::-1]).T
    slope = _numbers(path, fields, "ElementToIntensityFunctionSlope", 1) or (1.0,)
    offset = _numbers(path, fields, "ElementToIntensityFunctionOffset", 1) or (0.0,)
    return Volume(voxels, _steps(path, fields, shape), (slope[0], offset[0]))


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The header, which ends with ElementDataFile, and where it ends."""
    with path.open("rb") as stream:
        head = stream.read(_MOST_HEADER)
    fields: dict[str, str] = {}
    end = 0
    for line in head.splitlines(keepends=True):
        end += len(line)
        name, equals, value = line.decode("latin-1").partition("=")
        if not equals and line.strip():
            break
        fields[name.strip()] = value.strip()
        if name.strip() == "ElementDataFile":
            return fields, end
    raise InputError(
        f"{path}: is no MetaImage: no line 'ElementDataFile = ...' ends its header; export it again"
    )


def _numbers(
    path: Path, fields: dict[str, str], name: str, count: int | None
) -> tuple[float, ...] | None:
    """The finite numbers of a line, or None if there is no such line."""
    text = fields.get(name, "")
    if not text:
        return None
    try:
        found = tuple(float(word) for word in text.split())
    except ValueError:
        found = ()
    if not found or len(found) != (count or len(found)) or not np.isfinite(found).all():
        raise InputError(f"{path}: its line {name} = {text[:60]} is wrong; correct it")
    return found


def _flag(fields: dict[str, str], *names: str) -> bool:
    return any(fields.get(name, "").lower() in ("true", "1", "t") for name in names)


def _shape(path: Path, fields: dict[str, str]) -> tuple[int, int, int]:
    found = _numbers(path, fields, "DimSize", None) or ()
    dims = _numbers(path, fields, "NDims", 1) or (len(found),)
    if len(found) != dims[0] or len(found) < 2 or any(n < 1 or n != int(n) for n in found):
        raise InputError(
            f"{path}: its lines NDims = {fields.get('NDims')} and DimSize = "
            f"{fields.get('DimSize')} are of no volume; correct them"
        )
    channels = _numbers(path, fields, "ElementNumberOfChannels", 1) or (1,)
    if channels[0] != 1 or any(length > 1 for length in found[3:]):
        raise InputError(
            f"{path}: has several volumes or channels (DimSize = {fields['DimSize']}, "
            f"ElementNumberOfChannels = {channels[0]:g}); save one, of three dimensions"
        )
    x, y, z = (int(length) for length in (*found, 1)[:3])
    return x, y, z


def _dtype(path: Path, fields: dict[str, str]) -> np.dtype:
    name = fields.get("ElementType", "")
    if name not in _TYPES:
        raise InputError(
            f"{path}: its voxels are {name or 'of no ElementType'}; choose from {', '.join(_TYPES)}"
        )
    big = _flag(fields, "BinaryDataByteOrderMSB", "ElementByteOrderMSB")
    return np.dtype((">" if big else "<") + _TYPES[name])


def _place(path: Path, fields: dict[str, str], end: int) -> tuple[Path, int]:
    """The file of the voxels, and where they begin if nothing else is said."""
    name = fields["ElementDataFile"]
    return (path, end) if name.upper() == "LOCAL" else (_beside(path, name), 0)


def _content(path: Path, fields: dict[str, str], file: Path, start: int, size: int) -> bytes:
    """The bytes of the voxels."""
    if "BinaryData" in fields and not _flag(fields, "BinaryData"):
        raise InputError(f"{path}: its voxels are text (BinaryData = False); save them as binary")
    header = _numbers(path, fields, "HeaderSize", 1) or (0,)
    packed = _flag(fields, "CompressedData")
    stored = file.stat().st_size
    if header[0] > 0:
        start += int(header[0])
    elif header[0] == -1:  # the voxels come last
        last = _numbers(path, fields, "CompressedDataSize", 1) if packed else None
        start = stored - (int(last[0]) if last else size)
    if start < 0 or (not packed and stored - start < size):
        raise InputError(
            f"{path}: declares {size} bytes of voxels, but {file.name} has "
            f"{max(0, stored - start)}; it is truncated or its header wrong: copy it again"
        )
    if not packed and header[0] != -1 and stored - start >= 2 * size:
        raise InputError(
            f"{path}: {file.name} holds {(stored - start) / size:.3g} times the voxels that its "
            "header describes; correct DimSize, or ElementType (of 8 bytes are MET_LONG_LONG, "
            "MET_ULONG_LONG and MET_DOUBLE)"
        )
    if not packed and stored - start > size:
        note(f"{path}: {stored - start - size} bytes after the voxels of {file.name} are left out")
    with file.open("rb") as stream:
        stream.seek(start)
        return _inflated(path, stream.read(), size) if packed else stream.read(size)


def _inflated(path: Path, content: bytes, size: int) -> bytes:
    """Exactly as many bytes as the header declares."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # zlib or gzip
    try:
        found = inflater.decompress(content, size + 1)
    except zlib.error as error:
        raise InputError(
            f"{path}: its voxels cannot be inflated ({error}); copy it again"
        ) from error
    if len(found) != size:
        more = "fewer" if len(found) < size else "more"
        raise InputError(
            f"{path}: declares {size} bytes of voxels, but stores {more}; copy or export it again"
        )
    return found


def _beside(path: Path, name: str) -> Path:
    """The file of the voxels, which lies in the folder of the header."""
    if (
        name.upper().startswith("LIST")
        or "%" in name
        or (len(name.split()) > 1 and not (path.parent / name).is_file())
    ):
        raise InputError(
            f"{path}: its voxels are in several files (ElementDataFile = {name[:60]}); save them "
            "in one, for instance as .mha"
        )
    file = named(path.parent / name)
    if "\\" in name or not file.resolve().is_relative_to(path.parent.resolve()):
        raise InputError(
            f"{path}: ElementDataFile = {name[:200]} is not in the folder of the header; move it "
            "there"
        )
    if not file.is_file():
        raise InputError(f"{path}: its file of voxels {name[:200]} is missing; put it beside it")
    return file


def _steps(
    path: Path, fields: dict[str, str], shape: tuple[int, int, int]
) -> Float[np.ndarray, "3 3"]:
    """Steps along the axes of the array, in LPS."""
    given = fields["DimSize"].split()
    dims = len(given)
    spacing = next(
        (
            found
            for name in ("ElementSpacing", "ElementSize")
            if (found := _numbers(path, fields, name, dims)) is not None
        ),
        (1.0,) * dims,
    )
    if min(spacing[:3]) <= 0:
        raise InputError(f"{path}: its line ElementSpacing is {spacing}; distances are above 0")
    directions = np.eye(3)
    for name in ("TransformMatrix", "Rotation", "Orientation"):
        if (found := _numbers(path, fields, name, dims**2)) is not None:
            # Each line of the matrix is the direction of an axis.
            own = min(3, dims)
            directions[:own, :own] = np.reshape(found, (dims, dims)).T[:own, :own]
            break
    else:
        directions = _anatomical(path, fields)
    return directions * np.asarray((*spacing, 1.0)[:3])


def _anatomical(path: Path, fields: dict[str, str]) -> Float[np.ndarray, "3 3"]:
    """Directions by the sides of the patient that the axes begin at."""
    letters = fields.get("AnatomicalOrientation", "").upper()
    directions = np.zeros((3, 3))
    for axis, letter in enumerate(letters[:3]):
        if letter in _FROM:
            row, sign = _FROM[letter]
            directions[row, axis] = sign
    if abs(np.linalg.det(directions)) == 1 and len(letters) == 3:
        return directions
    note(f"{path}: nothing says how it lies in the patient; it is read as it is stored")
    return np.eye(3)
