import logging
import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from data_utils.partition import draw, recorded
from utils.errors import InputError, RunError


@st.composite
def problems(draw_from):
    """Examples of up to four classes, most of them with duplicates, and what to hold out of them."""
    kinds = draw_from(st.lists(st.integers(0, 40), min_size=1, max_size=120))
    inputs = np.array(kinds, dtype=np.float32)[:, np.newaxis]
    targets = np.array(kinds, dtype=np.int64) % draw_from(st.integers(1, 4))
    test = draw_from(st.floats(0, 0.5))
    validation = draw_from(st.floats(0, 0.4))
    return inputs, targets, {"test": test, "validation": validation}, draw_from(st.integers(0, 2**32 - 1))


def drawn(problem):
    try:
        return draw(*problem)
    except InputError:
        assume(False)


@settings(max_examples=200, deadline=None)
@given(problems())
def test_splits_are_disjoint_and_hold_every_example(problem):
    everyone = np.concatenate(list(drawn(problem).values()))
    assert sorted(everyone.tolist()) == list(range(len(problem[0])))


@settings(max_examples=100, deadline=None)
@given(problems())
def test_splits_are_a_function_of_their_arguments(problem):
    first, second = drawn(problem), drawn(problem)
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


@settings(max_examples=200, deadline=None)
@given(problems())
def test_equal_inputs_are_in_one_split(problem):
    inputs = problem[0]
    home = {}
    for name, chosen in drawn(problem).items():
        for value in inputs[chosen, 0]:
            assert home.setdefault(value, name) == name


@settings(max_examples=200, deadline=None)
@given(problems())
def test_every_class_gives_its_fraction_but_for_the_size_of_a_duplicate(problem):
    inputs, targets, fractions, _ = problem
    splits = drawn(problem)
    for label in np.unique(targets):
        of_class = inputs[targets == label]
        largest = np.unique(of_class, return_counts=True)[1].max()
        for name, fraction in fractions.items():
            chosen = splits.get(name, np.array([], dtype=np.int64))
            wanted = round(fraction * len(of_class))
            assert wanted - largest < np.sum(targets[chosen] == label) <= wanted


@settings(max_examples=100, deadline=None)
@given(st.integers(5, 60), st.integers(5, 60), st.floats(0.1, 0.4), st.floats(0.1, 0.4), st.integers(0, 2**32 - 1))
def test_distinct_inputs_are_split_exactly(zeros, ones, test, validation, seed):
    targets = np.repeat([0, 1], [zeros, ones])
    fractions = {"test": test, "validation": validation}
    splits = drawn((np.arange(zeros + ones), targets, fractions, seed))
    for name, fraction in fractions.items():
        counts = np.bincount(targets[splits[name]], minlength=2).tolist()
        assert counts == [round(fraction * zeros), round(fraction * ones)]


def test_another_seed_gives_another_split():
    arguments = np.arange(100), np.zeros(100, dtype=np.int64), {"test": 0.2}
    assert not np.array_equal(draw(*arguments, seed=0)["test"], draw(*arguments, seed=1)["test"])


def test_a_split_that_would_be_empty_is_refused():
    with pytest.raises(InputError, match=r"data\.test=0\.1 of 4 examples leaves test empty"):
        draw(np.arange(4), np.zeros(4, dtype=np.int64), {"test": 0.1}, seed=0)


def test_a_class_without_training_examples_is_refused():
    with pytest.raises(InputError, match="leaves none of class 1 for training"):
        draw(np.arange(11), np.repeat([0, 1], [10, 1]), {"test": 0.6}, seed=0)


SPLITS = {"train": np.array([0, 2]), "test": np.array([1])}


def never():
    raise AssertionError("drawn again")


def test_a_recorded_split_is_used_again(tmp_path):
    path = tmp_path / "new" / "splits.npz"
    recorded(path, 3, lambda: SPLITS)
    again = recorded(path, 3, never)
    assert {name: chosen.tolist() for name, chosen in again.items()} == {"train": [0, 2], "test": [1]}


@pytest.mark.parametrize(
    "splits",
    [
        {"train": np.array([0, 1])},
        {"train": np.array([0, 1, 2]), "test": np.array([2])},
        {"train": np.array([0, 1, 3]), "test": np.array([2])},
        {"training": np.array([0, 1, 2, 3])},
        {},
    ],
    ids=["incomplete", "overlapping", "out of range", "without training", "empty"],
)
def test_a_record_that_is_no_split_is_refused(tmp_path, splits):
    path = tmp_path / "splits.npz"
    np.savez(path, **splits)
    with pytest.raises(RunError, match="is not a split of 3 examples; delete it"):
        recorded(path, 3, never)


def test_a_damaged_record_is_refused(tmp_path):
    path = tmp_path / "splits.npz"
    recorded(path, 3, lambda: SPLITS)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(RunError, match="delete it and it is made again"):
        recorded(path, 3, never)


class Bomb:
    went_off = False

    def __reduce__(self):
        return setattr, (Bomb, "went_off", True)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_record_is_never_unpickled(tmp_path, zipped):
    path = tmp_path / "splits.npz"
    if zipped:
        np.savez(path, train=np.array([Bomb()], dtype=object))
    else:
        path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RunError):
        recorded(path, 3, never)
    assert not Bomb.went_off


def test_a_record_that_cannot_be_written_is_only_warned_about(tmp_path, caplog):
    (tmp_path / "occupied").write_text("a file")
    with caplog.at_level(logging.WARNING):
        assert recorded(tmp_path / "occupied" / "splits.npz", 3, lambda: SPLITS) is SPLITS
    assert "the splits are not recorded" in caplog.text
