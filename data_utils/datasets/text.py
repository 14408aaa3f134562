"""Text that is generated: words of invented languages, which differ in what letter tends to follow which."""

from string import ascii_uppercase

import numpy as np
from jaxtyping import Float64

from data_utils.config import Languages
from data_utils.examples import Examples


def transitions(config: Languages) -> Float64[np.ndarray, "classes letters letters"]:
    """How likely each letter is to follow each: [language, before, after]; rows add up to 1."""
    return _transitions_and_generator(config)[0]


def languages(config: Languages) -> Examples:
    """Words, one letter a row: 1 in the column of the letter and 0 elsewhere; the target is the word's language.

    The first letter is any with equal chance, each later one follows the language's `transitions`. So a single letter
    says little, and pairs of neighbours say what there is to know. Drawn from PCG64, whose stream is the same on every
    machine.
    """
    following, random = _transitions_and_generator(config)
    targets = np.arange(config.n, dtype=np.int64) % config.classes
    words = np.empty((config.n, config.length), dtype=np.int64)
    words[:, 0] = random.integers(0, config.letters, config.n)
    up_to = following.cumsum(axis=-1)
    for place in range(1, config.length):
        drawn = random.random((config.n, 1))
        later = (up_to[targets, words[:, place - 1]] < drawn).sum(axis=-1)
        words[:, place] = np.minimum(later, config.letters - 1)  # where rounding leaves the last sum below 1
    inputs = np.eye(config.letters, dtype=np.float32)[words]
    return Examples(inputs, targets, class_names=tuple(ascii_uppercase[: config.classes]), feature_names=())


def _transitions_and_generator(
    config: Languages,
) -> tuple[Float64[np.ndarray, "classes letters letters"], np.random.Generator]:
    random = np.random.Generator(np.random.PCG64(config.seed))
    weights = np.exp(config.contrast * random.standard_normal((config.classes, config.letters, config.letters)))
    return weights / weights.sum(axis=-1, keepdims=True), random
