"""Patterns of +1 and -1 for networks that store them."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from data_utils.datasets.images import Mnist
from data_utils.sections import AllForTraining, Seed
from utils.schema import MOST, Count

if TYPE_CHECKING:
    import numpy as np

    from data_utils.examples import Examples


class SignPatterns(AllForTraining):
    """Base of the data sets here: patterns of +1 and -1, each a class of its own."""

    reason = "each pattern is a class of its own and all are for training"
    standardize: Literal[False]
    """A standardised pattern would not be one of +1 and -1."""


class Patterns(SignPatterns):
    """Random patterns: every unit is +1 or -1 with equal chance, independently of all others."""

    name: Literal["patterns"]
    n: int = Field(ge=2, le=MOST)
    """Number of patterns."""
    units: Count
    seed: Seed
    """Decides the patterns; the first of many are those of few."""

    def examples(self) -> "Examples":
        """Independent fair signs, drawn row by row; the target of a pattern is its own number."""
        import numpy as np

        from data_utils.datasets._generated import pcg64
        from data_utils.examples import Examples

        bits = pcg64(self.seed).integers(0, 2, (self.n, self.units), dtype=np.int64)
        numbers = np.arange(self.n, dtype=np.int64)
        return Examples(
            _signs(bits > 0),
            numbers,
            class_names=tuple(str(number) for number in numbers),
            feature_names=tuple(f"unit {unit + 1}" for unit in range(self.units)),
        )


class DigitPrototypes(SignPatterns):
    """The ten mean images of MNIST's training digits, each pixel turned into +1 or -1."""

    name: Literal["digit_prototypes"]
    brightness: float = Field(gt=0, lt=1)
    """A pixel is +1 where the mean is brighter than this; 1 is white."""

    def examples(self) -> "Examples":
        """The ten mean training images, thresholded at `brightness`."""
        import numpy as np

        from data_utils.examples import Examples

        whole = {"classes": None, "train_size": None, "permute_pixels": None, "shift": 0}
        plain = {"name": "mnist", "standardize": False, "validation": 0.0, "split_seed": 0, "test": "official"}
        digits = Mnist.model_validate(plain | whole).examples()
        training = slice(len(digits.targets) - digits.official_test)
        images, labels = digits.inputs[training], digits.targets[training]
        means = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)]) / digits.scale
        return Examples(_signs(means > self.brightness), np.arange(10), digits.class_names, feature_names=())


def _signs(positive: "np.ndarray") -> "np.ndarray":
    import numpy as np

    return np.where(positive, np.float32(1), np.float32(-1))
