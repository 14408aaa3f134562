"""Patterns of +1 and -1 for networks that store them: random ones, and ten handwritten digits."""

import numpy as np

from data_utils.config import DigitPrototypes, Mnist, Patterns
from data_utils.datasets.images import mnist
from data_utils.examples import Examples


def random_patterns(config: Patterns) -> Examples:
    """Independent fair signs; the target of a pattern is its own number.

    Drawn row by row from PCG64, whose stream is the same on every machine.
    """
    bits = np.random.Generator(np.random.PCG64(config.seed)).integers(0, 2, (config.n, config.units), dtype=np.int64)
    numbers = np.arange(config.n, dtype=np.int64)
    return Examples(
        _signs(bits > 0),
        numbers,
        class_names=tuple(str(number) for number in numbers),
        feature_names=tuple(f"unit {unit + 1}" for unit in range(config.units)),
    )


def digit_prototypes(config: DigitPrototypes) -> Examples:
    """What the ten digits look like on average: +1 where the mean training image is brighter than `brightness`.

    Raises:
        RunError: The files of MNIST cannot be had or are not what they should be.
    """
    whole = {"classes": None, "train_size": None, "permute_pixels": None, "shift": 0}
    plain = {"name": "mnist", "standardize": False, "validation": 0.0, "split_seed": 0, "test": "official"}
    digits = mnist(Mnist.model_validate(plain | whole))
    ours = slice(len(digits.targets) - digits.official_test)
    images, labels = digits.inputs[ours], digits.targets[ours]
    means = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)]) / digits.scale
    return Examples(_signs(means > config.brightness), np.arange(10), digits.class_names, feature_names=())


def _signs(positive: np.ndarray) -> np.ndarray:
    return np.where(positive, np.float32(1), np.float32(-1))
