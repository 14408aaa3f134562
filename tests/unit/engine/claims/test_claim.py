"""Claims: what is held against the record, and what is said where it fails."""

from typing import Any

import pytest

from engine.claims.claim import Claim, Record
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
        "seed 0, step 2: acc is 0.7, claimed at most 0.6, off by 0.1",
        "seed 1, step 1: acc is 0.9, claimed at most 0.6, off by 0.3",
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
    assert swings.violations({7: [{"step": 1, "acc": 0.5}]}) == [
        "seed 7, spread: acc is 0, claimed at least 0.25, off by 0.25"
    ]


def test_a_bound_may_be_another_metric_of_the_same_row() -> None:
    assert claim(at_most="limit").violations({0: RISING}) == []
    assert claim(at_most="limit").violations({1: FALLING}) == [
        "seed 1, step 1: acc is 0.9, claimed at most 0.8, off by 0.1"
    ]


def test_above_is_strict() -> None:
    assert claim(above=0.3).violations({1: FALLING}) == ["seed 1, step 2: acc is 0.3, claimed above 0.3, off by 0"]


def test_a_value_that_is_not_finite_satisfies_nothing() -> None:
    assert claim(at_most=1.0).violations({0: [{"step": 1, "acc": float("nan")}]}) != []


def test_a_spread_over_a_value_that_is_not_finite_satisfies_nothing() -> None:
    rows = [{"step": step, "acc": value} for step, value in enumerate([0.5, 0.5, 0.5, float("nan")])]
    assert claim(at_most=1.0, over="every seed, spread over the second half").violations({0: rows}) != []


def test_a_record_without_the_metric_is_no_evidence() -> None:
    with pytest.raises(ValueError, match="seed 0 has no record of acc"):
        claim(at_most=1.0).violations({0: [{"step": 1}]})


def test_the_best_seed_is_the_one_nearest_to_the_bound() -> None:
    runs = {0: RISING, 1: FALLING}
    assert claim(at_least=0.7, over="best seed, last epoch").violations(runs) == []
    assert claim(at_most=0.3, over="best seed, last epoch").violations(runs) == []
    assert claim(at_least=0.71, over="best seed, last epoch").violations(runs) == [
        "best of 2 seeds: acc is 0.7, claimed at least 0.71, off by 0.01"
    ]


def test_between_is_held_on_both_sides() -> None:
    between = claim(between=[0.4, 0.8])
    assert between.violations({0: RISING}) == []
    assert between.violations({1: FALLING}) == [
        "seed 1, step 1: acc is 0.9, claimed at most 0.8, off by 0.1",
        "seed 1, step 2: acc is 0.3, claimed at least 0.4, off by 0.1",
    ]
    verdict = between.verdict({"": ({0: RISING}, None)})
    assert (verdict.measured, verdict.limit) == ("0.5 to 0.7", "between 0.4 and 0.8")


LESS = {"minus": {"experiment": "01_perceptron/xor"}}


def test_a_difference_is_taken_seed_by_seed_and_moment_by_moment() -> None:
    better = claim(at_least=0.39, over="every seed, last epoch", **LESS)
    assert better.violations({0: RISING}, {0: FALLING}) == []
    assert claim(at_least=0.0, **LESS).violations({1: RISING}, {1: FALLING}) == [
        "seed 1, step 1: acc is -0.4, claimed at least 0, off by 0.4"
    ]


def test_a_difference_of_means_is_of_the_means() -> None:
    claimed = claim(above=0.19, over="mean over seeds, last epoch", **LESS)
    assert claimed.violations({0: RISING, 1: FALLING}, {0: FALLING, 1: FALLING}) == []


def test_two_runs_without_a_common_moment_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="no moment in common"):
        claim(at_least=0.0, **LESS).violations({0: RISING}, {0: [{"step": 7, "acc": 0.1}]})


SWEEP = {"across": {"data.n": (1, 2, 3)}}
RUNS = {"data.n=1": ({0: RISING}, None), "data.n=2": ({0: FALLING}, None), "data.n=3": ({0: RISING}, None)}


def test_a_claim_across_a_setting_is_made_for_each_value() -> None:
    assert claim(at_most=0.9, **SWEEP).variants() == {f"data.n={n}": {"data.n": n} for n in (1, 2, 3)}
    assert claim(at_most=0.9, **SWEEP).verdict(RUNS) == ("0.9", "at most 0.9", [])
    assert claim(at_most=0.8, **SWEEP).verdict(RUNS).violations == [
        "data.n=2 seed 0, step 1: acc is 0.9, claimed at most 0.8, off by 0.1"
    ]


def test_a_claim_may_say_for_how_many_values_it_holds() -> None:
    assert claim(at_most=0.8, exactly=2, **SWEEP).verdict(RUNS) == ("2 of 3", "exactly 2", [])
    assert claim(at_most=0.8, exactly=3, **SWEEP).verdict(RUNS).violations == [
        "holds for 2 of 3 (data.n=1, data.n=3), claimed exactly 3"
    ]


def test_what_was_measured_is_the_value_nearest_to_its_limit() -> None:
    assert claim(at_most=0.95).verdict({"": ({0: RISING, 1: FALLING}, None)}) == ("0.9", "at most 0.95", [])
    assert claim(at_least=0.1).verdict({"": ({0: RISING, 1: FALLING}, None)}) == ("0.3", "at least 0.1", [])
    assert claim(at_most="limit").verdict({"": ({0: RISING}, None)}) == ("0.7", "at most 0.9", [])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "at_least, at_most, above or between"),
        ({"between": [1, 0]}, "lower limit first"),
        ({"between": [0, 1], "at_most": 1}, "between stands alone"),
        ({"between": [0, 1], "over": "every seed, best epoch"}, "not about the best"),
        ({"at_most": "limit", "minus": {"experiment": "xor"}}, "held against a number"),
        ({"at_most": 1, "minus": {}}, "an experiment, settings, or both"),
        ({"at_most": 1, "minus": {"experiment": "../xor"}}, "should match pattern"),
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
