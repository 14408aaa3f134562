"""What a user sees when something is wrong."""

import signal

import pytest

from utils.errors import InputError, Interrupted, RunError, did_you_mean, unknown


def test_a_mistake_of_the_user_and_a_failed_run_have_different_exit_codes() -> None:
    assert InputError("x").exit_code == 2
    assert RunError("x").exit_code == 1


@pytest.mark.parametrize(("number", "code", "name"), [(signal.SIGINT, 130, "SIGINT"), (signal.SIGTERM, 143, "SIGTERM")])
def test_an_interrupted_run_exits_as_a_shell_would_have_it(number: int, code: int, name: str) -> None:
    error = Interrupted(number, "stopped at step 3")
    assert (error.exit_code, error.signal_name, str(error)) == (code, name, "stopped at step 3")


def test_an_unknown_name_comes_with_the_closest_one_and_all_the_others() -> None:
    error = unknown("experiment", "xorr", ["xor", "and"])
    assert str(error) == "unknown experiment 'xorr', did you mean 'xor'?; known: and, xor"
    assert isinstance(error, InputError)


def test_nothing_is_suggested_where_nothing_is_close() -> None:
    assert did_you_mean("transformer", ["xor", "and"]) == ""


def test_a_suggestion_does_not_depend_on_upper_and_lower_case() -> None:
    assert did_you_mean("XOR", ["xor", "and"]) == ", did you mean 'xor'?"
