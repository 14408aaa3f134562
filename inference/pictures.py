"""A picture file as the numbers that a model knows, read within limits."""

import base64
import binascii
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from data_utils.description import Description
from utils.errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

warnings.filterwarnings("ignore", module=r"PIL\.")  # of oddities in a file, which is read or refused all the same

FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
MOST_PIXELS = 4_000_000
"""Of a picture that is read. Its header says how many there are, so a bomb is refused before it is unpacked."""


def unpacked(text: str) -> bytes:
    """The file that `text` holds in base64.

    Raises:
        InputError: It is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("a picture in JSON is its file in base64; this text is not base64") from None


def read_picture(
    content: bytes, data: Description, most_pixels: int = MOST_PIXELS
) -> Float32[np.ndarray, "channels height width"]:
    """A picture in the size, the channels and the range of values that the model knows.

    It is turned upright by its EXIF tag, laid over black where it is transparent, stretched to the size, and its black
    and white become the smallest and the largest value of each channel.

    Raises:
        InputError: It cannot be read, or is too large; or the model takes no pictures.
    """
    channels, height, width = data.input_shape
    if channels not in (1, 3):
        raise InputError(f"pictures have 1 or 3 channels, this model takes {channels}; give nested lists of numbers")
    picture = _opaque(content, most_pixels)
    small = picture.convert("L" if channels == 1 else "RGB").resize((width, height), resample=4)  # BOX
    light = np.asarray(small, dtype=np.float32).reshape(height, width, channels).transpose(2, 0, 1) / 255
    low, high = (np.asarray(ends, dtype=np.float32)[:, None, None] for ends in (data.low, data.high))
    return low + light * (high - low)


def _opaque(content: bytes, most_pixels: int) -> "Image":
    from PIL import Image  # only where a picture comes

    Image.MAX_IMAGE_PIXELS = None  # there is a lower limit here
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > most_pixels:
                size = f"{picture.width} x {picture.height} pixels"
                raise InputError(f"the picture has {size}, more than {most_pixels} in all; make it smaller")
            upright = _upright(_eight_bits(picture))
            if not upright.has_transparency_data:
                return upright.convert("RGB")
            layer = upright.convert("RGBA")
            return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer).convert("RGB")
    except InputError:
        raise
    except Exception:  # Pillow's readers raise many types for a file that is not what it says
        raise InputError(f"this is no picture that can be read; known: {', '.join(FORMATS)}") from None


def _eight_bits(picture: "Image") -> "Image":
    """A grey picture of 16 bits as one of 8, which Pillow would clip to white."""
    if not picture.mode.startswith("I"):
        return picture
    from PIL import Image

    return Image.fromarray((np.asarray(picture) // 256).astype(np.uint8))


def _upright(picture: "Image") -> "Image":
    """The picture as a camera held it; as it is where its EXIF data cannot be read."""
    from PIL import ImageOps

    picture.load()
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # as many types as there are ways to write nonsense
        return picture
