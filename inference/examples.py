"""One raw example as JSON or a file gives it, and a batch of them as a tensor.

| data | an example |
|---|---|
| table | a list of numbers, or an object with a number for each column; in the units of the source |
| image | a picture (PNG, JPEG, BMP or WebP) in base64, or its bytes; or nested lists of numbers, channels first |
| text | a word of the data's length, in its letters |
"""

import base64
import binascii
import io
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from string import ascii_uppercase
from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Float, Float32
from pydantic import ConfigDict, Field, create_model
from torch import Tensor

from data_utils.description import Description
from utils.errors import InputError
from utils.schema import Strict

PICTURE_FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
MOST_PIXELS = 4_000_000
"""Of a picture that is read. Its header says how many there are, so a bomb is refused before it is unpacked."""

LARGEST_NUMBER = float(np.finfo(np.float32).max)


def example_type(data: Description, largest: float = LARGEST_NUMBER) -> Any:
    """The type of one example in JSON, for schemas.

    Args:
        data: What the model learned from.
        largest: No number of an example may be larger in absolute value.
    """
    number = Annotated[float, Field(ge=-largest, le=largest, allow_inf_nan=False)]
    if data.kind == "text":
        letters = ascii_uppercase[: data.input_shape[1]]
        return Annotated[str, Field(pattern=f"^[{letters}]{{{data.input_shape[0]}}}$")]
    if data.kind == "image":
        array: Any = number
        for size in reversed(data.input_shape):
            array = Annotated[list[array], Field(min_length=size, max_length=size)]
        picture = Annotated[str, Field(description="A picture in base64", json_schema_extra={"format": "byte"})]
        return picture | array
    row = Annotated[list[number], Field(min_length=data.n_features, max_length=data.n_features)]
    if not data.feature_names:
        return row
    columns: dict[str, Any] = {f"c{i}": (number, Field(alias=name)) for i, name in enumerate(data.feature_names)}
    return create_model("Columns", __base__=_Columns, **columns) | row


class _Columns(Strict):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def to_tensor(
    examples: Sequence[Any], data: Description, most_pixels: int = MOST_PIXELS
) -> Float[Tensor, "batch *shape"]:
    """A batch of examples, in the units of their source.

    Args:
        examples: As the table above says.
        data: What the model learned from.
        most_pixels: Of a picture that comes as a file.

    Raises:
        InputError: There are none, or one is not what the model takes; the message counts from 1.
    """
    if not examples:
        raise InputError("no examples were given; give at least one")
    readers: dict[str, Callable[[Any, Description], Float32[np.ndarray, "*shape"]]] = {
        "table": _row,
        "image": partial(_picture, most_pixels=most_pixels),
        "text": _word,
    }
    read = readers[data.kind]
    arrays = []
    for i, example in enumerate(examples, start=1):
        try:
            arrays.append(read(example, data))
        except InputError as error:
            raise InputError(f"example {i}: {error}") from None
    return torch.from_numpy(np.stack(arrays))


def _row(example: Any, data: Description) -> Float32[np.ndarray, " features"]:
    names = data.feature_names
    if isinstance(example, Mapping):
        if missing := [name for name in names if name not in example]:
            raise InputError(f"column '{missing[0]}' is missing; the columns are {', '.join(names)}")
        if foreign := [name for name in example if name not in names]:
            raise InputError(f"'{foreign[0]}' is no column; the columns are {', '.join(names)}")
        example = [example[name] for name in names]
    row = _numbers(example)
    if row.shape != data.input_shape:
        raise InputError(f"{_described(row)} given, a row of {data.n_features} numbers expected{_listed(names)}")
    return row


def _listed(names: tuple[str, ...]) -> str:
    return f": {', '.join(names)}" if 0 < len(names) <= 32 else ""


def _picture(example: Any, data: Description, most_pixels: int) -> Float32[np.ndarray, "channels height width"]:
    if isinstance(example, bytes | str):
        return _decoded(example if isinstance(example, bytes) else _unpacked(example), data, most_pixels)
    pixels = _numbers(example)
    if pixels.shape != data.input_shape:
        raise InputError(
            f"{_described(pixels)} given, {' x '.join(map(str, data.input_shape))} (channels, height, width) expected"
        )
    return pixels


def _unpacked(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("a picture in JSON is its file in base64; this text is not base64") from None


def _decoded(content: bytes, data: Description, most_pixels: int) -> Float32[np.ndarray, "channels height width"]:
    """A picture in the size, the channels and the range of values that the model knows."""
    from PIL import Image  # only where a picture comes

    channels, height, width = data.input_shape
    if channels not in (1, 3):
        raise InputError(
            f"pictures have 1 or 3 channels, but this model takes {channels}; give nested lists of numbers"
        )
    try:
        with Image.open(io.BytesIO(content), formats=PICTURE_FORMATS) as picture:
            if picture.width * picture.height > most_pixels:
                size = f"{picture.width} x {picture.height} pixels"
                raise InputError(f"the picture has {size}, more than {most_pixels} in all; make it smaller")
            plain = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    except InputError:
        raise
    except Exception:  # Pillow's readers raise many types for a file that is not what it says
        raise InputError(f"this is no picture that can be read; known: {', '.join(PICTURE_FORMATS)}") from None
    if plain.mode == "RGBA":  # what is transparent is black, the background of the data
        plain = Image.alpha_composite(Image.new("RGBA", plain.size, "black"), plain).convert("RGB")
    small = plain.convert("L" if channels == 1 else "RGB").resize((width, height), Image.Resampling.BOX)
    light = np.asarray(small, dtype=np.float32).reshape(height, width, channels).transpose(2, 0, 1) / 255
    low, high = (np.asarray(ends, dtype=np.float32)[:, None, None] for ends in (data.low, data.high))
    return low + light * (high - low)


def _word(example: Any, data: Description) -> Float32[np.ndarray, "length letters"]:
    length, n_letters = data.input_shape
    letters = ascii_uppercase[:n_letters]
    if not isinstance(example, str):
        raise InputError(f"a word in quotes expected, of {length} letters from {letters[0]} to {letters[-1]}")
    word = example.strip().upper()
    if len(word) != length or not set(word) <= set(letters):
        raise InputError(f"'{word[:40]}' is no word of {length} letters from {letters[0]} to {letters[-1]}")
    return np.eye(n_letters, dtype=np.float32)[[letters.index(letter) for letter in word]]


def _numbers(example: Any) -> Float32[np.ndarray, "*shape"]:
    try:
        with np.errstate(over="ignore"):
            numbers = np.asarray(example, dtype=np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError):
        raise InputError("numbers expected, in lists of equal length") from None
    if not np.isfinite(numbers).all():
        raise InputError("a number is not finite (NaN, infinite, or too large)")
    return numbers


def _described(array: np.ndarray) -> str:
    if array.ndim == 1:
        return f"{len(array)} numbers"
    return f"numbers of shape {' x '.join(map(str, array.shape))}" if array.ndim else "one number"
