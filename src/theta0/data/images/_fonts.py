"""Fonts for English words: found in a folder, and checked before they are used."""

import importlib.util
from pathlib import Path
from string import ascii_letters, ascii_lowercase, ascii_uppercase

from PIL import Image, ImageDraw, ImageFont

from theta0.data._files import existing_folder, reason
from theta0.errors import InputError

SUFFIXES = frozenset((".ttf", ".otf"))

_TRIAL_PX = 32
# Noncharacters of Unicode: fonts draw them like characters that they lack.
_LACKING = "\uffff\U0010ffff"
# In every Latin typeface these letters stand on the baseline.
_STANDING = "abcdehiklmnorstuvwxz"

Skipped = tuple[tuple[str, str], ...]


def find_fonts(folder: str | Path | None) -> tuple[tuple[Path, ...], Skipped]:
    """List the fonts in a folder and its subfolders that have the Latin alphabet, by name.

    Args:
        folder: Contains .ttf and .otf files; None for the fonts in matplotlib's wheel.

    Returns:
        Their paths, and (name, reason) of the others. The unusable fonts of matplotlib are not
        reported: they are its fonts of mathematical symbols.

    Raises:
        InputError: There is no such folder, or no usable font in it.
    """
    root = _matplotlib_folder() if folder is None else existing_folder(folder)
    paths = sorted(
        (path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()),
        key=lambda path: path.relative_to(root).as_posix(),
    )
    problems = [_problem(path) for path in paths]
    good = tuple(path for path, text in zip(paths, problems, strict=True) if text is None)
    skipped = tuple(
        (path.relative_to(root).as_posix(), text)
        for path, text in zip(paths, problems, strict=True)
        if text is not None
    )
    if not good:
        found = f"none of its {len(paths)} fonts can be used" if paths else "holds no font"
        first = f" (the first, {skipped[0][0]}: {skipped[0][1]})" if skipped else ""
        raise InputError(
            f"{root}: {found}{first}; give a folder of .ttf or .otf files with the letters A to Z"
        )
    return good, () if folder is None else skipped


def open_font(path: Path, size_px: int | float) -> ImageFont.FreeTypeFont:
    """Open a font at a size in pixels per em.

    Raises:
        InputError: It cannot be read.
    """
    try:
        # The other engine, Raqm, is not available everywhere, and its kerning differs.
        return ImageFont.truetype(path, size_px, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise InputError(f"{path}: cannot be read as a font ({reason(error)})") from error


def _matplotlib_folder() -> Path:
    """The folder of matplotlib's fonts, found without importing matplotlib."""
    spec = importlib.util.find_spec("matplotlib")
    for package in (spec and spec.submodule_search_locations) or ():
        folder = Path(package, "mpl-data", "fonts", "ttf")
        if folder.is_dir():
            return folder
    raise InputError("matplotlib is not installed with its fonts; give a folder of fonts")


def _problem(path: Path) -> str | None:
    """Why a font is unusable, or None if it has the alphabet."""
    try:
        font = open_font(path, _TRIAL_PX)
        lacking, shown = {_glyph(font, letter) for letter in _LACKING}, {}
        # One letter is enough to reject most symbol fonts.
        for letters in ("a", ascii_letters):
            shown = {letter: _glyph(font, letter) for letter in letters}
            missing = [letter for letter in letters if shown[letter] in lacking]
            if missing:
                return f"lacks letters, such as {missing[0]!r}"
        for letters in (ascii_lowercase, ascii_uppercase):
            if len({shown[letter] for letter in letters}) < len(letters):
                return "shows several letters alike, or blank"
        below = [font.getbbox(letter, anchor="ls")[3] for letter in _STANDING]
        if sum(abs(bottom) < 0.1 * _TRIAL_PX for bottom in below) < len(below) / 2:
            return "has symbols in place of letters: few of them stand on the baseline"
    except InputError:
        return "is damaged, or not a font"
    except (OSError, ValueError, Image.DecompressionBombError) as error:  # single glyphs may be
        return f"is damaged ({reason(error)})"
    return None


def _glyph(font: ImageFont.FreeTypeFont, character: str) -> bytes:
    """The picture of a character as bytes; empty if it is blank."""
    image = Image.new("L", (3 * _TRIAL_PX, 3 * _TRIAL_PX))
    ImageDraw.Draw(image).text((_TRIAL_PX, 2 * _TRIAL_PX), character, 255, font, anchor="ls")
    return image.tobytes() if image.getbbox() else b""
