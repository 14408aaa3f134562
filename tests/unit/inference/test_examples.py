"""What one example may look like, and what is said about one that does not."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter, ValidationError

from data_utils.description import Description
from inference.examples import example_type, to_tensor
from tests.support.descriptions import described
from utils.errors import InputError

NAMED = described((3,), feature_names=("length", "width", "c0"))
UNNAMED, PICTURE, WORD = described((3,)), described((1, 2, 2)), described((4, 5))
LARGEST = float(np.finfo(np.float32).max)

fitting = some.floats(-LARGEST, LARGEST, width=32)
anything = some.recursive(
    some.none() | some.booleans() | some.floats() | some.integers() | some.text(max_size=5),
    lambda parts: some.lists(parts, max_size=4)
    | some.dictionaries(some.sampled_from(["length", "width", "c0", "c1", "x"]), parts, max_size=4),
    max_leaves=12,
)
nearly = (  # what chance would seldom hit upon
    some.lists(fitting | some.floats() | some.booleans() | some.integers(), min_size=3, max_size=3)
    | some.fixed_dictionaries({"length": some.floats(), "width": fitting, "c0": fitting | some.text(max_size=2)})
    | some.lists(some.lists(some.lists(some.floats(), min_size=2, max_size=2), min_size=2, max_size=2), max_size=1)
    | some.text("AaEeFf\n ı", min_size=3, max_size=5)
)


def taken(example: Any, data: Description) -> bool:
    try:
        to_tensor([example], data)
    except InputError as error:
        assert str(error).startswith("example 1: ")
        return False
    return True


def allowed(example: Any, data: Description) -> bool:
    try:
        TypeAdapter(example_type(data)).validate_python(example)
    except ValidationError:
        return False
    return True


@given(some.lists(fitting, min_size=3, max_size=3))
def test_a_row_by_names_in_any_order_is_the_row_by_places(row: list[float]) -> None:
    by_names = dict(reversed(list(zip(NAMED.feature_names, row, strict=True))))
    expected = torch.tensor([row])
    assert torch.equal(to_tensor([row], NAMED), expected)
    assert torch.equal(to_tensor([by_names], NAMED), expected)
    assert torch.equal(to_tensor(np.array([row]), NAMED), expected)


@pytest.mark.parametrize("data", [NAMED, UNNAMED, PICTURE, WORD], ids=["named", "unnamed", "picture", "word"])
@given(example=anything | nearly)
def test_the_schema_of_an_example_takes_what_is_taken(data: Description, example: Any) -> None:
    if data is PICTURE and isinstance(example, str):
        assert allowed(example, data)  # only reading it can tell whether it is a picture
    else:
        assert taken(example, data) == allowed(example, data)


@pytest.mark.parametrize("number", [LARGEST, -LARGEST, 3.402823467e38, 10**39, -(10**400), 1e39])
def test_a_number_is_taken_up_to_the_largest_that_a_model_can_hold(number: float) -> None:
    assert taken([number, 0, 0], UNNAMED) == allowed([number, 0, 0], UNNAMED) == (abs(number) <= LARGEST)


@pytest.mark.parametrize("data", [NAMED, UNNAMED, PICTURE, WORD])
def test_the_schema_can_be_written_as_json(data: Description) -> None:
    assert json.dumps(TypeAdapter(example_type(data)).json_schema())


def test_a_word_becomes_one_row_for_each_letter_in_either_case() -> None:
    assert torch.equal(to_tensor(["ABEA"], WORD)[0].argmax(1), torch.tensor([0, 1, 4, 0]))
    assert torch.equal(to_tensor(["abea"], WORD), to_tensor(["ABEA"], WORD))


def test_a_picture_may_be_lists_of_numbers() -> None:
    assert to_tensor([[[[0, 1], [0.5, 0]]]], PICTURE).tolist() == [[[[0, 1], [0.5, 0]]]]


def nested(depth: int) -> Any:
    example: Any = 1.0
    for _ in range(depth):
        example = [example]
    return example


@pytest.mark.parametrize(
    ("example", "data", "said"),
    [
        ({"length": 1, "width": 2}, NAMED, "column 'c0' is missing; the columns are length, width, c0"),
        ({"length": 1, "width": 2, "c0": 3, "x" * 90: 4}, NAMED, f"'{'x' * 40}' is no column; the columns are"),
        ([1, 2], NAMED, "2 numbers given, a row of 3 numbers expected: length, width, c0"),
        (5, UNNAMED, "one number given, a row of 3 numbers expected"),
        ([[1, 2, 3]], UNNAMED, "numbers of shape 1 x 3 given, a row of 3 numbers expected"),
        ([1, "2", 3], UNNAMED, "numbers expected, in lists of equal length"),
        ([1, True, 3], UNNAMED, "numbers expected, in lists of equal length"),
        ([1, None, 3], UNNAMED, "numbers expected, in lists of equal length"),
        ({"a": 1}, UNNAMED, "numbers expected, in lists of equal length"),
        ([1, [2], 3], UNNAMED, "numbers expected, in lists of equal length"),
        ([1, float("nan"), 3], UNNAMED, "a number is not finite (NaN, infinite, or too large)"),
        ([1, 10**400, 3], UNNAMED, "a number is not finite (NaN, infinite, or too large)"),
        ([1, 2, 3, 4], PICTURE, "4 numbers given, 1 x 2 x 2 (channels, height, width) expected"),
        (nested(100), PICTURE, "numbers expected, in lists of equal length"),
        ("ABEF", WORD, "'ABEF' is no word of 4 letters from A to E"),
        ("ABE\n", WORD, "is no word of 4 letters"),
        ([1, 0], WORD, "a word in quotes expected, of 4 letters from A to E"),
    ],
)
def test_what_is_not_an_example_is_told_in_a_line(example: Any, data: Description, said: str) -> None:
    with pytest.raises(InputError) as refused:
        to_tensor([to_tensor_takes(data), example], data)
    assert str(refused.value).startswith("example 2: ")
    assert said in str(refused.value)


def to_tensor_takes(data: Description) -> Any:
    """An example that is right."""
    return "ABEA" if data is WORD else np.zeros(data.input_shape)


def test_no_examples_are_told_too() -> None:
    with pytest.raises(InputError, match="no examples were given"):
        to_tensor([], UNNAMED)
