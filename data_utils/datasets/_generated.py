"""Parts of the generated data sets: the random generator, targets in turn, and points as `Examples`."""

import numpy as np
from jaxtyping import Float64, Int64

from data_utils.examples import Examples

Points = Float64[np.ndarray, "n features"]


def pcg64(seed: int) -> np.random.Generator:
    """PCG64, whose stream is the same on every machine."""
    return np.random.Generator(np.random.PCG64(seed))


def alternating(n: int) -> Int64[np.ndarray, " n"]:
    """Targets of two classes in turn: 0, 1, 0, 1 and so on."""
    return np.arange(n, dtype=np.int64) % 2


def two_classes(points: Points, targets: Int64[np.ndarray, " n"]) -> Examples:
    """Points of class 0 and class 1, rounded to float32."""
    return Examples(points.astype(np.float32), targets, class_names=("0", "1"), feature_names=_feature_names(points))


def function_values(inputs: Points, values: Float64[np.ndarray, " n"]) -> Examples:
    """A function's values at `inputs` as the targets of a regression, rounded to float32."""
    return Examples(
        inputs.astype(np.float32),
        values.astype(np.float32)[:, np.newaxis],
        class_names=(),
        feature_names=_feature_names(inputs),
        target_names=("y",),
    )


def _feature_names(points: Points) -> tuple[str, ...]:
    return tuple(f"x{column + 1}" for column in range(points.shape[1]))
