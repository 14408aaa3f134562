"""What a user sees when something is wrong."""

import errno
import os
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from utils.errors import InputError, Interrupted, RunError, ScratchError, did_you_mean, unknown
from utils.files import cannot_write
from utils.schema import Strict, validate


def test_a_mistake_of_the_user_and_a_failed_run_have_different_exit_codes() -> None:
    assert InputError("x").exit_code == 2
    assert RunError("x").exit_code == 1


@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGINT, 130, "SIGINT"), (signal.SIGTERM, 143, "SIGTERM")])
def test_an_interrupted_run_exits_as_a_shell_would_have_it(number: int, code: int, name: str) -> None:
    error = Interrupted(number, "stopped at step 3")
    assert (error.exit_code, error.signal_name, str(error)) == (code, name, "stopped at step 3")


def test_an_unknown_name_comes_with_the_closest_one_and_all_the_others() -> None:
    error = unknown("experiment", "xorr", ["xor", "and"])
    assert (error.code, error.where) == ("unknown-name", "experiment")
    assert "did you mean 'xor'?" in str(error) and "and, xor" in str(error)


def test_an_error_has_a_code_and_a_place_even_where_none_is_given() -> None:
    assert (InputError("x").code, InputError("x").where) == ("error", None)
    assert InputError("x", code="config", where="trainer.duration").where == "trainer.duration"


WORDS = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=30)


class _Section(Strict):
    width: int = Field(ge=1)


@given(name=WORDS, choices=st.lists(WORDS, max_size=5))
def test_every_unknown_name_is_one_line_with_what_where_and_a_way_out(name: str, choices: list[str]) -> None:
    error = unknown("experiment", name, choices)
    assert_told(error, "unknown-name", what=name, way_out=", ".join(sorted(choices)))


@given(key=WORDS.filter(lambda key: key != "width"), value=WORDS)
def test_every_mistake_in_a_config_is_one_line_with_what_where_and_a_way_out(key: str, value: str) -> None:
    for raw in ({"width": 1, key: 1}, {"width": value + "x"}, {}, {"width": 0}):
        with pytest.raises(InputError) as caught:
            validate(_Section, raw, "the config of experiment xor")
        assert_told(caught.value, "config", what=caught.value.where or "", way_out="width" if key not in raw else key)


@given(number=st.sampled_from(sorted(errno.errorcode)), name=WORDS.filter(lambda name: "/" not in name))
def test_every_refusal_of_the_system_is_one_line_with_what_where_and_a_way_out(number: int, name: str) -> None:
    error = cannot_write(Path(name), OSError(number, os.strerror(number)))
    assert error.where == name
    assert_told(error, "cannot-write", what=os.strerror(number), way_out="; ")


def assert_told(error: ScratchError, code: str, what: str, way_out: str) -> None:
    assert error.code == code and error.where
    assert what in str(error) and way_out in str(error)
    assert len(str(error).splitlines()) == 1


def test_nothing_is_suggested_where_nothing_is_close() -> None:
    assert did_you_mean("transformer", ["xor", "and"]) == ""


def test_a_suggestion_does_not_depend_on_upper_and_lower_case() -> None:
    assert did_you_mean("XOR", ["xor", "and"]) == ", did you mean 'xor'?"
