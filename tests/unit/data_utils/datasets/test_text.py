"""Words of invented languages: what they are made of, and that they can be told apart as well as theory says."""

import numpy as np
import pytest
from pydantic import ValidationError

from data_utils import load
from data_utils.datasets.text import Languages

COMMON = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}


def languages_config(**settings):
    drawn = {"n": 600, "classes": 3, "letters": 5, "length": 12, "contrast": 1.0, "seed": 0}
    return Languages(name="languages", **{**drawn, **COMMON, **settings})


def read(examples):
    """The columns of the letters."""
    return examples.inputs.argmax(axis=-1)


def test_a_word_has_one_letter_in_each_row():
    examples = languages_config().examples()
    assert examples.inputs.shape == (600, 12, 5)
    assert set(np.unique(examples.inputs)) == {0.0, 1.0}
    np.testing.assert_array_equal(examples.inputs.sum(axis=-1), 1)
    assert examples.class_names == ("A", "B", "C")
    assert np.bincount(examples.targets).tolist() == [200, 200, 200]


def test_letters_follow_each_other_as_often_as_the_language_says():
    config = languages_config(n=20_000)
    examples = config.examples()
    words = read(examples)[examples.targets == 1]
    pairs = np.zeros((5, 5))
    np.add.at(pairs, (words[:, :-1], words[:, 1:]), 1)
    np.testing.assert_allclose(pairs / pairs.sum(axis=1, keepdims=True), config.transitions()[1], atol=0.02)


def test_the_likeliest_language_is_nearly_always_the_right_one_and_without_contrast_no_better_than_any():
    def accuracy(contrast):
        config = languages_config(n=3000, contrast=contrast)
        examples = config.examples()
        words, chances = read(examples), np.log(config.transitions())
        likelihood = chances[:, words[:, :-1], words[:, 1:]].sum(axis=-1)
        return (likelihood.argmax(axis=0) == examples.targets).mean()

    assert accuracy(1.5) > 0.95
    assert accuracy(0.0) == pytest.approx(1 / 3, abs=0.05)


def test_the_seed_decides_the_words():
    first, again, other = (languages_config(seed=seed).examples().inputs for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_words_are_loaded_as_a_row_for_each_letter(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRATCH_DATA_DIR", str(tmp_path))
    splits = load(languages_config(validation=0.2, test=0.2))
    assert splits.input_shape == (12, 5)
    assert (splits.n_features, splits.n_classes) == (60, 3)
    assert len(splits.train) > len(splits.validation) > 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"standardize": True}, "False"),
        ({"classes": 1}, "greater than or equal to 2"),
        ({"letters": 27}, "less than or equal to 26"),
        ({"length": 0}, "greater than or equal to 1"),
        ({"contrast": -1.0}, "greater than or equal to 0"),
    ],
)
def test_what_would_make_no_words_is_refused(changed, message):
    with pytest.raises(ValidationError, match=message):
        languages_config(**changed)
