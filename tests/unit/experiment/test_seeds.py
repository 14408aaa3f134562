"""What `--seeds` stands for."""

import pytest

from experiment.seeds import refuse_beside_seeds, seeds_of
from utils.errors import InputError


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-3", [0, 1, 2, 3]), ("0,3,5", [0, 3, 5]), ("7,0-2", [7, 0, 1, 2]), ("4", [4]), ("4-4", [4])]
)
def test_ranges_and_lists_are_seeds(text: str, seeds: list[int]) -> None:
    assert seeds_of(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "0-", "-1", "0,,1", "0 1", "1.5"])
def test_anything_else_is_said_to_be_no_list(text: str) -> None:
    with pytest.raises(InputError, match="no list of seeds: write 0-7 or 0,3,5"):
        seeds_of(text)


@pytest.mark.parametrize("text", ["3-1", "0,0", "0-3,2"])
def test_a_seed_counts_once_and_ranges_go_up(text: str) -> None:
    with pytest.raises(InputError, match="each seed once"):
        seeds_of(text)


@pytest.mark.parametrize("text", ["0-1000", "0-999999999999", "0-999,5000", "0-9999999999,9999999999-0"])
def test_more_seeds_than_a_process_holds_are_refused_before_they_are_counted_out(text: str) -> None:
    with pytest.raises(InputError, match="at most 1,000 seeds at once"):
        seeds_of(text)


def test_flags_that_say_something_else_about_seeds_are_refused() -> None:
    refuse_beside_seeds({"seed": False, "resume": False, "": None})
    with pytest.raises(InputError, match="--seeds and --resume do not go together"):
        refuse_beside_seeds({"seed": False, "resume": True})
