"""JSON without NaN and infinities, and numbers that survive it."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from utils.strict_json import dumps, numbers


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


def strictly(text: str) -> object:
    return json.loads(text, parse_constant=refuse)


values = st.floats(allow_nan=True, allow_infinity=True) | st.integers() | st.none() | st.booleans() | st.text()


@given(st.recursive(values, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_everything_becomes_strict_json(content: object) -> None:
    strictly(dumps(content))


@given(st.dictionaries(st.text(), st.floats(allow_nan=True, allow_infinity=True)))
def test_a_row_is_read_back_as_it_was(row: dict[str, float]) -> None:
    found = numbers(json.loads(dumps(row)))
    assert all(found[name] == value or (math.isnan(found[name]) and math.isnan(value)) for name, value in row.items())


def test_numbers_that_are_not_finite_are_named() -> None:
    content = {"a": math.nan, "b": [math.inf, (-math.inf,)], "c": 1.5}
    assert strictly(dumps(content)) == {"a": "NaN", "b": ["Infinity", ["-Infinity"]], "c": 1.5}


def test_what_is_finite_is_as_json_has_it() -> None:
    assert dumps({"a": 0.1, "b": [1]}, indent=2) == json.dumps({"a": 0.1, "b": [1]}, indent=2)


def test_other_text_stays_text() -> None:
    assert numbers({"a": "nan", "b": "Inf", "c": None}) == {"a": "nan", "b": "Inf", "c": None}
