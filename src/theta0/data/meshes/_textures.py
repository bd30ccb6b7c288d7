"""Decodes the textures of a mesh, each once, after their sizes have been checked."""

import io
import warnings
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from theta0.data._colours import linear_from_srgb
from theta0.data._files import reason
from theta0.data._pillow import MAX_PIXELS
from theta0.data._png import SIGNATURE, without_metadata
from theta0.errors import InputError
from theta0.memory import MAX_BYTES, check_memory

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "DDS", "PPM", "AVIF")
"""Formats of Pillow that are decoded; TGA as well, in files of that name, as it has no signature"""

_BYTES_A_PIXEL = 2 * 3 * 4
"""Of a texture that is kept: three float32, here and in the renderer"""


class Textures:
    """The textures of one mesh."""

    def __init__(self, longest: int):
        """Start with none.

        Args:
            longest: Longest side; larger textures are downscaled.
        """
        self._longest = longest
        self._decoded: dict[Any, Float[np.ndarray, "height width 3"]] = {}
        self._bytes = 0

    def __contains__(self, key: Any) -> bool:
        return key in self._decoded

    def __getitem__(self, key: Any) -> Float[np.ndarray, "height width 3"]:
        return self._decoded[key]

    def decode(self, key: Any, name: str, content: bytes) -> None:
        """Decode a texture as linear light, kept under `key`.

        Args:
            key: Identifies it.
            name: For messages, and to recognize TGA files.
            content: Of the picture file. Its colour profile is ignored, as glTF demands.

        Raises:
            InputError: It is too large, damaged, or in no supported format.
        """
        formats = [*FORMATS, *(["TGA"] if name.lower().endswith(".tga") else [])]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # sizes are checked here, and colours converted
                with Image.open(_stream(name, content), formats=formats) as image:
                    self._check(name, *image.size)
                    pixels = _pixels(image, self._longest)
        except InputError:
            raise
        except Exception as error:  # Pillow's plug-ins raise many types
            raise InputError(
                f"its texture {name} cannot be read ({reason(error)}); save it as PNG or JPEG"
            ) from error
        # Of a table: 256 values are quicker to convert than a million.
        light = linear_from_srgb(np.arange(256, dtype=np.float32) / np.float32(255))
        self._decoded[key] = light.astype(np.float32)[pixels]
        self._bytes += pixels.shape[0] * pixels.shape[1] * _BYTES_A_PIXEL

    def _check(self, name: str, width: int, height: int) -> None:
        if width * height > MAX_PIXELS:
            raise InputError(
                f"has a texture of {width} x {height} pixels, {name}, more than the limit of "
                f"{MAX_PIXELS}; downscale it"
            )
        scale = min(1.0, self._longest / max(width, height))
        kept = self._bytes + int(width * height * scale**2) * _BYTES_A_PIXEL
        needed = kept + 8 * width * height
        check_memory("its textures", needed, MAX_BYTES, "use fewer or smaller ones")


def _pixels(image: Image.Image, longest: int) -> UInt8[np.ndarray, "height width 3"]:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        values = np.asarray(image, np.float32) / (1 if image.mode == "F" else 65535)
        image = Image.fromarray(np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8))
    elif image.mode not in ("RGB", "RGBA", "L"):
        image = image.convert("RGB")
    image.load()
    # One channel at a time takes less memory than a picture without alpha beside the one with it.
    channels = []
    for number in range(min(3, len(image.getbands()))):
        channel = image.getchannel(number)
        channel.thumbnail((longest, longest), Image.Resampling.BOX)
        channels.append(np.asarray(channel))
    return np.stack(channels if len(channels) == 3 else channels * 3, axis=-1)


def _stream(name: str, content: bytes) -> Any:
    """A picture file; of PNG without texts and profiles, which Pillow refuses above a megabyte."""
    stream = io.BytesIO(content)
    return without_metadata(name, stream).stream if content.startswith(SIGNATURE) else stream
