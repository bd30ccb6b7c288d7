"""Finds DICOM data sets and opens them: those without a header, and deflated ones, too."""

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from theta0.data._files import existing_file, note_left_out, reason, visible_files
from theta0.errors import InputError, MissingExtra

_INFLATED_BYTES = 1 << 27
"""A deflated data set may grow to this: 128 MiB, 256 slices of 512 x 512."""

_FIRST_GROUPS = (b"\x08\x00", b"\x02\x00", b"\x00\x08")
"""Of a data set without a preamble: group 8 or 2, in either byte order."""


def require_pydicom() -> Any:
    """Return the module pydicom.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import pydicom
    except ImportError as error:
        raise MissingExtra("reading DICOM needs pydicom: pip install 'theta0[dicom]'") from error
    return pydicom


def is_dicom(file: Path) -> bool:
    """Whether a file begins like a DICOM data set, with or without its preamble."""
    with file.open("rb") as stream:
        begin = stream.read(132)
    return begin[128:] == b"DICM" or (len(begin) == 132 and begin[:2] in _FIRST_GROUPS)


def dicom_files(path: Path) -> list[Path]:
    """The DICOM files of a folder and its subfolders, or the file itself.

    Other files of a folder are left out with a note; DICOMDIR, an index, and hidden files without.

    Raises:
        InputError: There is no such file or folder, or a file that is given is not DICOM.
    """
    if not path.is_dir():
        file = existing_file(path)
        if not is_dicom(file):
            raise InputError(
                f"{file}: does not begin as DICOM files do, so it is damaged or something else; "
                "export it again"
            )
        return [file]
    files = sorted(file for file in visible_files(path) if file.is_file())
    files = [file for file in files if file.name != "DICOMDIR"]
    found = [file for file in files if is_dicom(file)]
    if found:
        note_left_out(path, list(set(files) - set(found)), "files that are not DICOM")
    return found


@contextmanager
def errors_name(file: Path) -> Iterator[None]:
    """Turn any exception of a damaged file into a one-line error that names the file."""
    try:
        with pydicom_quiet():
            yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"{file}: cannot be read as DICOM ({reason(error)}); export it again"
        ) from error


@contextmanager
def pydicom_quiet() -> Iterator[None]:
    """Within the block pydicom does not warn of what it repairs."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pydicom")
        yield


def open_dataset(file: Path, with_pixels: bool) -> Any:
    """Read a data set; without its pixels if they are not wanted.

    Raises:
        InputError: It is damaged, or is deflated and too large.
    """
    pydicom = require_pydicom()
    with errors_name(file), file.open("rb") as stream:
        pydicom.filereader.read_preamble(stream, force=True)
        meta = pydicom.filereader._read_file_meta_info(stream)
        if meta.get("TransferSyntaxUID") == pydicom.uid.DeflatedExplicitVRLittleEndian:
            return _deflated(pydicom, file, stream.read(), meta, with_pixels)
        stream.seek(0)
        dataset = pydicom.dcmread(stream, force=True, stop_before_pixels=not with_pixels)
        if "TransferSyntaxUID" not in dataset.file_meta:
            dataset.file_meta.TransferSyntaxUID = _guessed_syntax(pydicom, dataset)
        return dataset


def _deflated(pydicom: Any, file: Path, content: bytes, meta: Any, with_pixels: bool) -> Any:
    """A deflated data set; pydicom itself would inflate it whatever its size."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(content, _INFLATED_BYTES)
    if not inflater.eof:
        _refuse_deflated(file, len(inflated))
    stop = None if with_pixels else pydicom.filereader._at_pixel_data
    buffer = pydicom.filebase.DicomBytesIO(inflated)
    dataset = pydicom.filereader.read_dataset(buffer, False, True, stop_when=stop)
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta = meta
    return dataset


def _refuse_deflated(file: Path, inflated: int) -> NoReturn:
    if inflated < _INFLATED_BYTES:
        raise InputError(f"{file}: is deflated and ends too early; copy it again")
    raise InputError(
        f"{file}: is deflated, to more than {_INFLATED_BYTES >> 20} MiB; save it as it is "
        "(dcmconv +te), or in several files"
    )


def _guessed_syntax(pydicom: Any, dataset: Any) -> Any:
    """The uncompressed transfer syntax that a data set without one was read as."""
    implicit, little = dataset.original_encoding
    if not little:
        return pydicom.uid.ExplicitVRBigEndian
    return pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian
