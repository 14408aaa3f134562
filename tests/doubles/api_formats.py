"""What schemathesis puts where the OpenAPI document asks for a picture; loaded by it as a hook."""

import base64
import io
from functools import partial

from hypothesis import strategies as st
from PIL import Image
from schemathesis import openapi

SHADES = st.integers(0, 255)


def picture(shade: int, form: str = "PNG") -> bytes:
    """A small one."""
    file = io.BytesIO()
    Image.new("L", (9, 7), shade).save(file, form)
    return file.getvalue()


openapi.format("byte", SHADES.map(picture).map(base64.b64encode).map(bytes.decode))
openapi.format("binary", SHADES.map(picture))
for kind in ("png", "jpeg", "bmp", "webp"):
    openapi.media_type(f"image/{kind}", SHADES.map(partial(picture, form=kind.upper())))
