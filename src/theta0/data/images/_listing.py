"""Lists the pictures of a folder, and says what is left out of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from theta0.data._files import existing_folder, visible_files
from theta0.data._pillow import reads_heic
from theta0.errors import InputError, note

PICTURE_SUFFIXES = frozenset(
    ".avif .bmp .gif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .tif .tiff .webp".split()
)
"""Lower-case suffixes of the files that count as pictures; with pillow-heif, those of HEIC too."""

_HEIC = frozenset(".heic .heif .hif".split())
_RAW = frozenset(
    ".3fr .arw .cr2 .cr3 .crw .dng .erf .iiq .kdc .mos .mrw .nef .nrw .orf .pef .raf .raw .rw2 "
    ".rwl .sr2 .srf .srw .x3f".split()
)
_VIDEO = frozenset(".3gp .avi .insv .m4v .mkv .mov .mp4 .mpeg .mpg .mts .webm .wmv".split())
_OTHERS = frozenset(
    ".ai .cur .dcm .dds .dib .emf .eps .exr .fits .hdr .heics .icns .ico .j2c .j2k .jpf .jpx .jxl "
    ".mpo .npy .npz .pcx .pdf .ps .psd .qoi .rgbe .sgi .svg .svgz .tga .wmf .xcf".split()
)
_CAUSES = (
    (_HEIC, "pip install 'theta0[heic]' to read them"),
    (_RAW, "raw photographs: develop them as JPEG or PNG"),
    (_VIDEO, "videos: extract their frames"),
    (_OTHERS, "in other formats: save them as JPEG or PNG"),
)


def image_paths(folder: str | Path) -> tuple[Path, ...]:
    """List the pictures in a folder and its subfolders, sorted by relative path.

    Files count as pictures if their suffix is in `PICTURE_SUFFIXES`. Hidden folders are ignored;
    linked folders are followed, each once. Other files that may hold pictures are counted in a note
    (`InputWarning`): hidden ones, and those in formats that are not read.

    Raises:
        InputError: There is no such folder, or no picture in it.
    """
    folder = existing_folder(folder)
    found = _chosen(folder, visible_files(folder, hidden=True))
    if not found:
        raise InputError(
            f"{folder}: holds no picture; files ending in "
            f"{' '.join(sorted(PICTURE_SUFFIXES))} count"
        )
    return tuple(sorted(found, key=lambda path: path.relative_to(folder).as_posix()))


def image_names(folder: str | Path) -> tuple[str, ...]:
    """`image_paths` as names relative to the folder, with forward slashes."""
    return tuple(path.relative_to(folder).as_posix() for path in image_paths(folder))


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder, without its subfolders, sorted; see `image_paths`.

    There may be none.
    """
    return sorted(_chosen(folder, (path for path in folder.iterdir() if not path.is_dir())))


def _chosen(folder: Path, files: Iterable[Path]) -> list[Path]:
    """The pictures among files; others that may be some are counted in notes."""
    chosen: list[Path] = []
    left = Counter[tuple[str, str]]()
    for path, cause in _judged(files):
        if cause is None:
            chosen.append(path)
        elif cause:
            left[path.suffix.lower(), cause] += 1
    causes = dict.fromkeys(cause for _, cause in left)
    for cause in causes:
        counts = {suffix: count for (suffix, why), count in left.items() if why == cause}
        total, suffixes = sum(counts.values()), " ".join(sorted(counts))
        files_are = "file is" if total == 1 else "files are"
        note(f"{folder}: {total} {files_are} left out ({suffixes}): {cause}")
    return chosen


def _judged(files: Iterable[Path]) -> Iterator[tuple[Path, str | None]]:
    """Each file with why it is left out: None if it is not, '' if it is no picture at all."""
    reads = PICTURE_SUFFIXES | _HEIC if reads_heic() else PICTURE_SUFFIXES
    for path in files:
        suffix = path.suffix.lower()
        if suffix not in reads:
            yield path, next((cause for kind, cause in _CAUSES if suffix in kind), "")
        elif path.name.startswith("."):
            yield path, "hidden files: rename those that are pictures"
        else:
            yield path, None
