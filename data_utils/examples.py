"""`Examples`: the raw arrays of a data set, before it is split."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, Shaped


@dataclass(frozen=True)
class Examples:
    """All examples of a data set, as its source gives them."""

    inputs: Shaped[np.ndarray, "n *shape"]
    """Tables as [n, features], images as [n, channels, height, width], text as [n, length, letters]; whole numbers stay
    whole."""
    targets: Int64[np.ndarray, " n"] | Float32[np.ndarray, "n outputs"]
    """Class indices, from 0; or numbers, for regression."""
    class_names: tuple[str, ...]
    """One name for each class; empty for regression."""
    feature_names: tuple[str, ...]
    """One name for each column of a table; empty for images and text."""
    target_names: tuple[str, ...] = ()
    """One name for each number of a target; empty for classes."""
    scale: float = 1.0
    """Divisor of the inputs: the largest value a pixel can have."""
    official_test: int = 0
    """Number of examples at the end that are the test split of the authors."""
