"""Generated data sets: the Boolean functions of two inputs, and clouds of points.

Points are drawn in float64 from PCG64, whose stream is the same on every machine, and rounded to float32.
"""

import numpy as np
from jaxtyping import Float64

from data_utils.config import Blobs, NoisyBlobs
from data_utils.examples import Examples

TRUTH_TABLES = {"and": 0b1000, "or": 0b1110, "xor": 0b0110}
"""Bit i is the output for input i, in the order (0,0), (0,1), (1,0), (1,1)."""


def boolean(truth_table: int) -> Examples:
    """The four points of a Boolean function of two inputs; the target is its output."""
    inputs = np.array([(0, 0), (0, 1), (1, 0), (1, 1)], dtype=np.float32)
    targets = np.array([truth_table >> point & 1 for point in range(4)], dtype=np.int64)
    return Examples(inputs, targets, class_names=("0", "1"), feature_names=("x1", "x2"))


def separating_plane(config: Blobs) -> tuple[Float64[np.ndarray, " features"], float]:
    """The plane that the blobs of `config` leave free.

    Returns:
        A unit normal w and an offset b: w·x + b is at least `config.margin` for class 1, at most minus that for
        class 0.
    """
    normal, offset, _ = _plane_and_points(config)
    return normal, offset


def blobs(config: Blobs) -> Examples:
    """Two clouds on either side of `separating_plane(config)`, every point at least `config.margin` away from it.

    Along the plane a cloud is standard normal; away from it, the distance beyond the margin is half-normal.
    """
    normal, offset, points = _plane_and_points(config)
    targets = _alternating(config.n)
    drawn = points @ normal
    wanted = (2 * targets - 1) * (config.margin + np.abs(drawn)) - offset
    return _table(points + np.outer(wanted - drawn, normal), targets)


def noisy_blobs(config: NoisyBlobs) -> Examples:
    """Two round normal clouds of standard deviation `noise`, their centres `separation` apart on a diagonal."""
    targets = _alternating(config.n)
    diagonal = np.full(config.features, config.features**-0.5)
    centres = np.outer((targets - 0.5) * config.separation, diagonal)
    return _table(centres + config.noise * _generator(config.seed).standard_normal(centres.shape), targets)


def _plane_and_points(
    config: Blobs,
) -> tuple[Float64[np.ndarray, " features"], float, Float64[np.ndarray, "n features"]]:
    random = _generator(config.seed)
    normal = random.standard_normal(config.features)
    normal /= np.linalg.norm(normal)
    offset = random.uniform(-1, 1)  # not through the origin, so that a bias is needed
    return normal, offset, random.standard_normal((config.n, config.features))


def _alternating(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.int64) % 2


def _table(inputs: Float64[np.ndarray, "n features"], targets: np.ndarray) -> Examples:
    feature_names = tuple(f"x{column + 1}" for column in range(inputs.shape[1]))
    return Examples(inputs.astype(np.float32), targets, class_names=("0", "1"), feature_names=feature_names)


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))
