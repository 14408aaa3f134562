"""The trials of a sweep, as its plots get them."""

from collections.abc import Mapping, Sequence
from typing import Any

Trials = Sequence[Mapping[str, Any]]
"""Mappings with `number`, `state`, `value` (None unless the trial was completed) and `parameters`, name to value."""


def completed(trials: Trials) -> Trials:
    """The trials that have a value."""
    return [trial for trial in trials if trial["value"] is not None]


def best_of(trials: Trials, mode: str) -> Mapping[str, Any]:
    """The completed trial with the highest (`max`) or lowest (`min`) value."""
    return (max if mode == "max" else min)(trials, key=lambda trial: trial["value"])
