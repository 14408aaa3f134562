"""Validation: every mistake at once, each with its path as it is written in YAML."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, model_validator

from utils.errors import InputError
from utils.schema import Strict, validate


class Circle(Strict):
    name: Literal["circle"]
    radius: float = Field(gt=0)


class Square(Strict):
    name: Literal["square"]
    side: float


class Picture(Strict):
    title: str
    shape: Annotated[Circle | Square, Field(discriminator="name")]
    frame: Square | None
    sizes: tuple[int, ...]

    @model_validator(mode="after")
    def _a_title_says_something(self) -> "Picture":
        if self.title == "untitled":
            raise ValueError("Give it a title")
        return self


GOOD = {"title": "dot", "shape": {"name": "circle", "radius": 1}, "frame": None, "sizes": [1, 2]}


def message(**changes: object) -> str:
    with pytest.raises(InputError) as caught:
        validate(Picture, {**GOOD, **changes}, "picture.yaml")
    text = str(caught.value)
    assert "\n" not in text
    return text.removeprefix("picture.yaml: ")


def test_good_data_becomes_a_typed_record() -> None:
    picture = validate(Picture, GOOD, "picture.yaml")
    assert picture.shape == Circle(name="circle", radius=1.0)
    assert picture.sizes == (1, 2)


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        validate(Picture, GOOD, "picture.yaml").title = "other"


def test_every_mistake_is_named_at_once() -> None:
    text = message(title=3, sizes=["a"], shape={"name": "circle", "radius": -1})
    assert text.count(";") == 2
    for path in ("title: ", "sizes.0: ", "shape.radius: "):
        assert path in text


def test_an_unknown_key_comes_with_the_closest_known_one() -> None:
    assert message(titel="dot") == "titel is not a known key, did you mean 'title'?"


def test_a_path_is_the_one_that_is_written_in_yaml() -> None:
    text = message(shape={"name": "circle", "radious": 1})
    assert text == "shape.radius is missing; shape.radious is not a known key, did you mean 'radius'?"


def test_only_keys_of_the_chosen_kind_are_suggested() -> None:
    assert message(shape={"name": "circle", "radius": 1, "sides": 1}) == "shape.sides is not a known key"


def test_keys_of_a_section_that_may_be_null_are_suggested_too() -> None:
    text = message(frame={"name": "square", "side": 1, "sied": 1})
    assert text == "frame.sied is not a known key, did you mean 'side'?"


def test_an_unknown_kind_comes_with_the_closest_known_one() -> None:
    text = message(shape={"name": "cirlce", "radius": 1})
    assert text == "unknown shape.name 'cirlce', did you mean 'circle'?; known: circle, square"


def test_a_section_without_its_kind_is_told_what_it_needs() -> None:
    assert message(shape={"radius": 1}) == "shape.name is missing"


def test_a_value_that_is_not_finite_is_refused() -> None:
    assert "finite" in message(shape={"name": "circle", "radius": float("nan")})
    assert "finite" in message(shape={"name": "circle", "radius": float("inf")})


def test_what_is_wrong_with_a_whole_section_is_said_without_printing_it() -> None:
    assert message(title="untitled") == "give it a title"


def test_a_value_of_many_lines_stays_on_one() -> None:
    assert r"'a\nb'" in message(sizes="a\nb")


def test_something_that_is_no_mapping_is_refused() -> None:
    with pytest.raises(InputError, match=r"^list\.yaml: this should be a section of keys and values \(got \[1, 2\]\)$"):
        validate(Picture, [1, 2], "list.yaml")
