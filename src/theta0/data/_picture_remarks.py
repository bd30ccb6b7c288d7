"""What of a picture file is not used, although it changes what the picture shows."""

import io
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from theta0.errors import note

_GAMMA, _RED = 0.45455, (0.64, 0.33)
"""Encoding gamma of sRGB as PNG stores it, and x and y of its red."""

_DIFFERENT = 12
"""Levels of 255 by which a colour profile must differ from sRGB: a grey gamma of 2.2 does by 8."""


def remarks_on(
    image: Image.Image, frames: int, depth: int, profile_lost: bool, hdr: bool
) -> tuple[str, ...]:
    """Say what is left out of an opened picture.

    Args:
        image: Whose header was read.
        frames: Of an animation, or pages.
        depth: Bits per sample.
        profile_lost: It has a colour profile that cannot be read.
        hdr: Its colours have a transfer curve that is not that of sRGB.

    Returns:
        Predicates, without the name of the picture.
    """
    found = []
    if frames > 1:
        found.append(f"holds {frames} frames or pages, of which the first is read")
    if depth > 8 and not image.mode.startswith(("I", "F", "L")):
        found.append(f"has colours of {depth} bits, of which 8 are read")
    profile = image.info.get("icc_profile")
    if hdr:
        found.append("has HDR or wide-gamut colours (cICP), which are read as sRGB")
    elif profile_lost:
        found.append("has a colour profile that is damaged or too large, and is ignored")
    elif profile and image.mode != "LAB":  # which is converted, whatever its profile
        found += _of_profile(profile, image.mode)
    elif "srgb" not in image.info:
        found += _of_gamma(image)
    return tuple(found)


def note_remarks(whole: str | Path, remarks: Mapping[str, Sequence[str]]) -> None:
    """Note the remarks on pictures, those of a kind together.

    Args:
        whole: The picture, or the folder of several.
        remarks: `Picture.remarks`, by the name of the picture.
    """
    kinds: dict[str, list[tuple[str, str]]] = {}
    for name, texts in remarks.items():
        for text in texts:
            kinds.setdefault(re.sub(r"\d+", "", text), []).append((name, text))
    for found in kinds.values():
        name, text = found[0]
        if name == str(whole):
            note(f"{whole}: {text}")
        else:
            note(f"{whole}: {name} {text} (like {len(found)} of {len(remarks)} pictures)")


def _of_gamma(image: Image.Image) -> list[str]:
    """Of the chunks gAMA and cHRM of PNG."""
    found = []
    gamma, primaries = image.info.get("gamma"), image.info.get("chromaticity")
    if gamma and abs(gamma / _GAMMA - 1) > 0.05:
        found.append(f"has a gamma of {gamma:g}, which is ignored: its values are read as sRGB")
    if primaries and np.abs(np.subtract(primaries[2:4], _RED)).max() > 0.02:
        found.append("has primaries (cHRM) that are not those of sRGB, and are ignored")
    return found


@lru_cache(maxsize=64)
def _of_profile(profile: bytes, mode: str) -> tuple[str, ...]:
    """Of a colour profile, if colours differ from sRGB by it."""
    from PIL import ImageCms

    try:
        of: Any = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = " ".join((of.profile.profile_description or "without a name").split())[:60]
        space = of.profile.xcolor_space.strip()
    except Exception:  # littlecms raises OSError and more
        return ("has a colour profile that is damaged, and is ignored",)
    if space == "CMYK" or mode == "CMYK":
        return (f"has a CMYK profile ({name}), which is ignored: inks are converted without it",)
    kind = {"GRAY": "L", "RGB": "RGB"}.get(space)
    if kind is None or _differs(of, kind):
        return (f"has a colour profile ({name}), which is ignored: its values are read as sRGB",)
    return ()


def _differs(profile: Any, mode: str) -> bool:
    """Whether a profile gives some of 125 colours other sRGB values than they have."""
    from PIL import ImageCms

    levels = np.linspace(0, 255, 5).astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    given = Image.fromarray(colours if mode == "RGB" else colours[..., 0])
    try:
        srgb = ImageCms.createProfile("sRGB")
        shown = ImageCms.profileToProfile(
            given, profile, srgb, ImageCms.Intent.RELATIVE_COLORIMETRIC, "RGB"
        )
    except ImageCms.PyCMSError:  # of a profile for output alone
        return True
    difference = np.asarray(shown, np.int16) - np.asarray(given.convert("RGB"), np.int16)
    return bool(np.abs(difference).max() > _DIFFERENT)
