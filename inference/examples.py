"""One raw example as JSON or a file gives it, and a batch of them as a tensor.

| data | an example |
|---|---|
| table | a list of numbers, or an object with a number for each column; in the units of the source |
| image | a picture (PNG, JPEG, BMP or WebP) in base64, or its bytes; or nested lists of numbers, channels first |
| text | a word of the data's length, in its letters |
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from string import ascii_uppercase
from typing import Annotated, Any

import numpy as np
import torch
from jaxtyping import Float32
from pydantic import Field, TypeAdapter, ValidationError, create_model
from torch import Tensor

from data_utils.description import Description
from inference.pictures import MOST_PIXELS, read_picture, unpacked
from utils.batched import batched
from utils.errors import InputError
from utils.schema import Strict

LARGEST_NUMBER = float(np.finfo(np.float32).max)


def example_type(data: Description, largest: float = LARGEST_NUMBER) -> Any:
    """The type of one example in JSON, for schemas. It takes what `to_tensor` takes; of a picture only `to_tensor`
    can tell whether it is one.

    Args:
        data: What the model learned from.
        largest: No number of an example may be larger in absolute value.
    """
    if data.kind == "text":
        length, letters = data.input_shape[0], _letters(data)
        return Annotated[str, Field(pattern=f"^[{letters}{letters.lower()}]*$", min_length=length, max_length=length)]
    number, array = _lists((), largest), _lists(data.input_shape, largest)
    if data.kind == "image":
        return Annotated[str, Field(description="A picture in base64", json_schema_extra={"format": "byte"})] | array
    if not data.feature_names:
        return array
    columns: dict[str, Any] = {f"c{i}": (number, Field(alias=name)) for i, name in enumerate(data.feature_names)}
    return create_model("Columns", __base__=Strict, **columns) | array


def _lists(shape: tuple[int, ...], largest: float) -> Any:
    """The type of nested lists of numbers, as deep and as long as `shape` says."""
    array: Any = Annotated[float, Field(strict=True, ge=-largest, le=largest, allow_inf_nan=False)]
    for size in reversed(shape):
        array = Annotated[list[array], Field(min_length=size, max_length=size)]
    return array


def to_tensor(
    examples: Sequence[Any] | np.ndarray,
    data: Description,
    most_pixels: int = MOST_PIXELS,
    before_each: Callable[[], object] = lambda: None,
) -> Float32[Tensor, "batch *shape"]:
    """A batch of examples, in the units of their source.

    Args:
        examples: As the table above says.
        data: What the model learned from.
        most_pixels: Of a picture that comes as a file.
        before_each: May raise an error that ends it.

    Raises:
        InputError: There are none, or one is not what the model takes; the message counts from 1.
    """
    return torch.from_numpy(np.stack(list(_arrays(examples, data, most_pixels, before_each))))


def in_batches(examples: Iterable[Any], data: Description, size: int) -> Iterator[Float32[Tensor, "batch *shape"]]:
    """Any number of examples as tensors of `size` examples each, of which the last may be shorter.

    Each is read as it is asked for; otherwise as in `to_tensor`.
    """
    for arrays in batched(_arrays(examples, data), size):
        yield torch.from_numpy(np.stack(arrays))


def _arrays(
    examples: Iterable[Any],
    data: Description,
    most_pixels: int = MOST_PIXELS,
    before_each: Callable[[], object] = lambda: None,
) -> Iterator[Float32[np.ndarray, "*shape"]]:
    readers: dict[str, Callable[..., np.ndarray]] = {
        "table": _row,
        "image": partial(_picture, most_pixels=most_pixels),
        "text": _word,
    }
    number = 0
    for number, example in enumerate(examples, start=1):
        before_each()
        try:
            yield readers[data.kind](example, data)
        except InputError as error:
            raise InputError(f"example {number}: {error}") from None
    if number == 0:
        raise InputError("no examples were given; give at least one")


def check_columns(given: Mapping[str, object], names: tuple[str, ...]) -> None:
    """Return if `given` has the model's columns and no others.

    Raises:
        InputError: One is missing, or there is another one.
    """
    if missing := [name for name in names if name not in given]:
        raise InputError(f"column '{missing[0]}' is missing; the columns are {', '.join(names)}")
    known = set(names)
    if foreign := [name for name in given if name not in known]:
        raise InputError(f"'{str(foreign[0])[:40]}' is no column; the columns are {', '.join(names)}")


def _row(example: Any, data: Description) -> Float32[np.ndarray, " features"]:
    names = data.feature_names
    if isinstance(example, Mapping) and names:
        check_columns(example, names)
        example = [example[name] for name in names]
    row = _numbers(example, data)
    if row.shape != data.input_shape:
        raise InputError(f"{_described(row)} given, a row of {data.n_features} numbers expected{_listed(names)}")
    return row


def _listed(names: tuple[str, ...]) -> str:
    return f": {', '.join(names)}" if 0 < len(names) <= 32 else ""


def _picture(example: Any, data: Description, most_pixels: int) -> Float32[np.ndarray, "channels height width"]:
    if isinstance(example, bytes | str):
        return read_picture(example if isinstance(example, bytes) else unpacked(example), data, most_pixels)
    pixels = _numbers(example, data)
    if pixels.shape != data.input_shape:
        raise InputError(
            f"{_described(pixels)} given, {' x '.join(map(str, data.input_shape))} (channels, height, width) expected"
        )
    return pixels


def _letters(data: Description) -> str:
    return ascii_uppercase[: data.input_shape[1]]


def _word(example: Any, data: Description) -> Float32[np.ndarray, "length letters"]:
    length, letters = data.input_shape[0], _letters(data)
    if not isinstance(example, str):
        raise InputError(f"a word in quotes expected, of {length} letters from {letters[0]} to {letters[-1]}")
    if len(example) != length or not set(example) <= set(letters + letters.lower()):
        raise InputError(f"'{example[:40]}' is no word of {length} letters from {letters[0]} to {letters[-1]}")
    return np.eye(len(letters), dtype=np.float32)[[letters.index(letter) for letter in example.upper()]]


@cache
def _checker(shape: tuple[int, ...]) -> Callable[[Any], Any]:
    return TypeAdapter(_lists(shape, LARGEST_NUMBER)).validate_python


def _numbers(example: Any, data: Description) -> Float32[np.ndarray, "*shape"]:
    """An array of numbers, nested lists of them, or one; a text that looks like a number is none, and nor is true."""
    if isinstance(example, list):
        with suppress(ValidationError):  # sooner than Python could look at each number; what is wrong is told below
            return np.array(_checker(data.input_shape)(example), dtype=np.float32)
    try:
        each = np.asarray(example, dtype=object)
        if not all(_is_number(kind) for kind in set(map(type, each.ravel().tolist()))):
            raise TypeError
        numbers = each.astype(np.float64)
    except (TypeError, ValueError, RecursionError):
        raise InputError("numbers expected, in lists of equal length") from None
    except OverflowError:
        numbers = np.array(np.inf)
    if not (np.abs(numbers) <= LARGEST_NUMBER).all():
        raise InputError("a number is not finite (NaN, infinite, or too large)")
    return numbers.astype(np.float32)


def _is_number(kind: type) -> bool:
    return issubclass(kind, int | float | np.integer | np.floating) and kind is not bool


def _described(array: np.ndarray) -> str:
    if array.ndim == 1:
        return f"{len(array)} numbers"
    return f"numbers of shape {' x '.join(map(str, array.shape))}" if array.ndim else "one number"
