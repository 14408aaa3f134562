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
MOST_SCANS = 50
"""Of a progressive JPEG. Each goes over all pixels, encoders write ten, and a small file has room for thousands."""

_SCAN = b"\xff\xda"


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

    What makes decoding long is counted before: pixels, scans, frames. The picture is turned upright by its EXIF tag,
    laid over black where it is transparent, stretched to the size, and its black and white become the smallest and the
    largest value of each channel.

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
            _check_work(picture, content, most_pixels)
            picture.load()
            _mend_transparency(picture, content)
            upright = _eight_bits(_upright(picture))
            if not upright.has_transparency_data:
                return upright.convert("RGB")
            layer = upright.convert("RGBA")
            return Image.alpha_composite(Image.new("RGBA", layer.size, "black"), layer).convert("RGB")
    except InputError:
        raise
    except Exception:  # Pillow's readers raise many types for a file that is not what it says
        raise InputError(f"this is no picture that can be read; known: {', '.join(FORMATS)}") from None


def _check_work(picture: "Image", content: bytes, most_pixels: int) -> None:
    """Refuse a picture whose decoding would take long; its header is read, and its pixels are not yet."""
    if picture.width * picture.height > most_pixels:
        size = f"{picture.width} x {picture.height} pixels"
        raise InputError(f"the picture has {size}, more than {most_pixels} in all; make it smaller")
    frames = getattr(picture, "n_frames", 1)
    if frames > 1 and picture.format != "MPO":  # a phone's JPEG has a second picture for its own use
        raise InputError(f"the picture is an animation of {frames} frames; give one of them")
    # within a scan these bytes cannot occur, so there are never more scans than they are found
    if picture.format in ("JPEG", "MPO") and content.count(_SCAN) > MOST_SCANS:
        raise InputError(f"the JPEG has more than {MOST_SCANS} scans; save it anew")
    if any(tile[0] == "bmp_rle" for tile in getattr(picture, "tile", ())):  # decoded by a loop in Python
        raise InputError("the BMP is compressed; save it as PNG")


def _mend_transparency(picture: "Image", content: bytes) -> None:
    """Bring the transparent colour of a PNG to 8 bits, as Pillow does with the pixels and not with it."""
    key = picture.info.get("transparency")
    if picture.format != "PNG":
        return
    bits = content[24]  # of a sample, in the header
    if isinstance(key, tuple) and bits == 16:
        picture.info["transparency"] = tuple(value >> 8 for value in key)
    elif isinstance(key, int) and picture.mode == "L" and bits < 8:
        picture.info["transparency"] = key * 255 // (2**bits - 1)


def _eight_bits(picture: "Image") -> "Image":
    """A grey picture of 16 bits as one of 8, which Pillow would clip to white."""
    if not picture.mode.startswith("I"):
        return picture
    from PIL import Image

    values, key = np.asarray(picture), picture.info.get("transparency")
    grey = Image.fromarray((values // 256).astype(np.uint8))
    if key is None:
        return grey
    return Image.merge("LA", [grey, Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))])


def _upright(picture: "Image") -> "Image":
    """The picture as a camera held it; as it is where its EXIF data cannot be read."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # as many types as there are ways to write nonsense
        return picture
