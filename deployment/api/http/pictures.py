"""How large the pictures of a request are, before any of them is unpacked."""

import io
from collections.abc import Sequence
from typing import Any

from inference.pictures import FORMATS, unpacked
from utils.errors import InputError


def check_pixels(examples: Sequence[Any], most: int) -> None:
    """Look at the headers of all that come as files; what is no picture is told where it is read.

    Raises:
        InputError: They have more than `most` pixels together.
    """
    pixels = sum(_pixels(example) for example in examples if isinstance(example, bytes | str))
    if pixels > most:
        raise InputError(f"the pictures of a request may have {most} pixels in all, these have {pixels}")


def _pixels(file: bytes | str) -> int:
    from PIL import Image  # only where a picture comes

    Image.MAX_IMAGE_PIXELS = None  # Pillow would warn of many pixels; there is a lower limit here
    try:
        with Image.open(io.BytesIO(file if isinstance(file, bytes) else unpacked(file)), formats=FORMATS) as picture:
            return picture.width * picture.height
    except Exception:  # as many types as there are ways to write nonsense
        return 0
