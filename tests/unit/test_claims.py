"""Claims: what is held against the record, and what is said where it fails."""

from typing import Any

import pytest

from engine.claims import Claim, Record
from utils.errors import InputError
from utils.schema import validate

RISING: Record = [
    {"step": 1, "acc": 0.5, "limit": 0.9},
    {"step": 2, "acc": 0.7, "limit": 0.9},
    {"step": 3, "loss": 1.0},
]
FALLING: Record = [{"step": 1, "acc": 0.9, "limit": 0.8}, {"step": 2, "acc": 0.3, "limit": 0.8}]


def claim(**fields: Any) -> Claim:
    base = {"kind": "measured", "metric": "acc", "over": "every seed, every epoch", "because": "a test says so"}
    return Claim(**{**base, **fields})


def test_every_epoch_of_every_seed_is_held_against_the_bound() -> None:
    assert claim(at_most=0.9).violations({0: RISING, 1: FALLING}) == []
    assert claim(at_most=0.6).violations({0: RISING, 1: FALLING}) == [
        "seed 0, step 2: acc is 0.7, claimed at most 0.6",
        "seed 1, step 1: acc is 0.9, claimed at most 0.6",
    ]


def test_the_last_epoch_is_the_last_row_that_has_the_metric() -> None:
    assert claim(at_least=0.7, over="every seed, last epoch").violations({0: RISING}) == []


@pytest.mark.parametrize(
    ("bound", "passes"), [({"at_least": 0.9}, True), ({"at_most": 0.3}, True), ({"at_least": 0.91}, False)]
)
def test_the_best_epoch_is_the_one_nearest_to_the_bound(bound: dict[str, float], passes: bool) -> None:
    assert (claim(over="every seed, best epoch", **bound).violations({1: FALLING}) == []) is passes


def test_the_mean_is_taken_over_the_last_epochs() -> None:
    assert claim(at_least=0.5, over="mean over seeds, last epoch").violations({0: RISING, 1: FALLING}) == []
    assert claim(at_least=0.51, over="mean over seeds, last epoch").violations({0: RISING, 1: FALLING}) != []


def test_the_spread_is_over_the_second_half_of_a_run() -> None:
    rows = [{"step": step, "acc": value} for step, value in enumerate([0.0, 1.0, 0.5, 0.75])]
    swings = claim(at_least=0.25, over="every seed, spread over the second half")
    assert swings.violations({0: rows}) == []
    assert swings.violations({7: [{"step": 1, "acc": 0.5}]}) == ["seed 7, spread: acc is 0, claimed at least 0.25"]


def test_a_bound_may_be_another_metric_of_the_same_row() -> None:
    assert claim(at_most="limit").violations({0: RISING}) == []
    assert claim(at_most="limit").violations({1: FALLING}) == ["seed 1, step 1: acc is 0.9, claimed at most 0.8"]


def test_above_is_strict() -> None:
    assert claim(above=0.3).violations({1: FALLING}) == ["seed 1, step 2: acc is 0.3, claimed above 0.3"]


def test_a_value_that_is_not_finite_satisfies_nothing() -> None:
    assert claim(at_most=1.0).violations({0: [{"step": 1, "acc": float("nan")}]}) != []


def test_a_spread_over_a_value_that_is_not_finite_satisfies_nothing() -> None:
    rows = [{"step": step, "acc": value} for step, value in enumerate([0.5, 0.5, 0.5, float("nan")])]
    assert claim(at_most=1.0, over="every seed, spread over the second half").violations({0: rows}) != []


def test_a_record_without_the_metric_is_no_evidence() -> None:
    with pytest.raises(ValueError, match="seed 0 has no record of acc"):
        claim(at_most=1.0).violations({0: [{"step": 1}]})


SWEEP = {"across": {"data.n": (1, 2, 3)}}
RECORDS = {1: {0: RISING}, 2: {0: FALLING}, 3: {0: RISING}}


def test_a_claim_across_a_setting_is_made_for_each_value() -> None:
    assert claim(at_most=0.9, **SWEEP).violations_across(RECORDS) == []
    assert claim(at_most=0.8, **SWEEP).violations_across(RECORDS) == [
        "data.n=2, seed 0, step 1: acc is 0.9, claimed at most 0.8"
    ]


def test_a_claim_may_say_for_how_many_values_it_holds() -> None:
    assert claim(at_most=0.8, exactly=2, **SWEEP).violations_across(RECORDS) == []
    assert claim(at_most=0.8, exactly=3, **SWEEP).violations_across(RECORDS) == [
        "holds for 2 of 3 values of data.n (1, 3), claimed exactly 3"
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "at_least, at_most or above"),
        ({"at_most": 1, "exactly": 2}, "it needs across"),
        ({"at_most": 1, "across": {"a": (1,), "b": (2,)}}, "one setting"),
        ({"at_most": 1, "across": {"a": ()}}, "at least one value"),
        ({"at_most": 1, "over": "sometimes"}, "every seed, every epoch"),
        ({"at_most": 1, "because": "so"}, "at least 10 characters"),
    ],
)
def test_a_claim_that_says_nothing_checkable_is_refused(fields: dict[str, Any], message: str) -> None:
    raw = {"kind": "measured", "metric": "acc", "over": "every seed, last epoch", "because": "a test says so", **fields}
    with pytest.raises(InputError, match=message):
        validate(Claim, raw, "claim")
