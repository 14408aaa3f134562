"""Whether two computations of the same thing agree, said in words that a learner can act on."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from cli.grading.parity import RECORD


def agree(
    what: str, got: Any, wanted: Any, *, tolerance: float, equation: str | None = None, against: str | None = None
) -> None:
    """Assert that `got` equals `wanted` within `tolerance`, in shape and in every number.

    Args:
        what: What was computed, as the reader calls it: "the scores".
        got: What the chapter's code gave: anything that NumPy can read.
        wanted: What it should be.
        tolerance: Largest absolute difference allowed.
        equation: Number of the equation in the chapter's deep dive that says how it is computed.
        against: The independent reference that `wanted` comes from, where there is one. Each pair of `what` and
            `against` is a row of docs/parity.md, so neither should name a seed or a size.

    Raises:
        AssertionError: They differ; the message says what was expected and what came.
    """
    ours, theirs = as_array(got), as_array(wanted)
    where = f" (equation {equation})" if equation else ""
    source = f" by {against}" if against else ""
    assert ours.shape == theirs.shape, f"{what}{where}: expected shape {theirs.shape}{source}, came {ours.shape}"
    off = ~(np.abs(ours - theirs) <= tolerance)  # so that a NaN is off
    if off.any():
        first = tuple(int(i) for i in np.argwhere(off)[0])
        at = f"at index {first}, " if first else ""
        raise AssertionError(
            f"{what}{where}: {at}expected {theirs[first]:.7g}{source}, came {ours[first]:.7g}; "
            f"{int(off.sum())} of {ours.size} numbers are off by more than {tolerance:g}"
        )
    if against and os.environ.get(RECORD):
        difference = float(np.abs(ours - theirs).max(initial=0))
        row = {"what": what, "against": against, "difference": difference, "tolerance": tolerance}
        with Path(os.environ[RECORD]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def as_array(values: Any) -> np.ndarray:
    """`values` as float64 on the CPU."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)
