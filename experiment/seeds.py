"""`--seeds`: which seeds a text stands for, and what does not go with it."""

import re
from collections.abc import Mapping

from utils.errors import InputError

_MOST = 1000  # of a training, each has a model, a run and open files


def seeds_of(text: str) -> list[int]:
    """The seeds that `0-7` or `0,3,5` stands for, in that order.

    Raises:
        InputError: It is neither, a seed comes twice, or there are too many.
    """
    if not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
        raise InputError(f"--seeds {text} is no list of seeds: write 0-7 or 0,3,5")
    bounds = [tuple(map(int, part.split("-"))) for part in text.split(",")]
    if sum(max(0, bound[-1] - bound[0] + 1) for bound in bounds) > _MOST:
        raise InputError(f"--seeds {text}: at most {_MOST:,} seeds at once")
    found = [seed for bound in bounds for seed in range(bound[0], bound[-1] + 1)]
    if any(bound[0] > bound[-1] for bound in bounds) or len(set(found)) < len(found):
        raise InputError(f"--seeds {text}: give each seed once, and ranges from the smaller to the larger")
    return found


def refuse_beside_seeds(given: Mapping[str, object]) -> None:
    """Raise InputError for the first flag among those `given` that says something else about seeds or runs."""
    for name, value in given.items():
        if value:
            raise InputError(f"--seeds and --{name} do not go together: give one of them")
