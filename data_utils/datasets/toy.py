"""Generated data sets: the Boolean functions of two inputs, clouds of points, curves, and functions with noise.

Points are drawn in float64 from PCG64, whose stream is the same on every machine, and rounded to float32.
"""

import numpy as np
from jaxtyping import Float64

from data_utils.config import Blobs, FarPoints, Line, Moons, NoisyBlobs, Sine, Spirals
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


def moons(config: Moons) -> Examples:
    """Two half circles of radius 1: class 0 opens downwards around (0, 0), class 1 upwards around (1, 1/2)."""
    random, targets = _generator(config.seed), _alternating(config.n)
    angle = np.pi * random.random(config.n)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    points = np.where(targets[:, np.newaxis] == 0, upper, (1.0, 0.5) - upper)
    return _table(points + config.noise * random.standard_normal(points.shape), targets)


def spirals(config: Spirals) -> Examples:
    """Two arms from the origin out to radius 1; class 1 is class 0 turned by half a circle.

    The radius grows evenly with the angle, and points lie evenly over an arm's length from its outer end to the
    middle, where the arms meet.
    """
    random, targets = _generator(config.seed), _alternating(config.n)
    radius = np.sqrt(random.random(config.n))  # the length of an arm grows with the square of its radius
    angle = 2 * np.pi * config.turns * radius + np.pi * targets
    points = radius[:, np.newaxis] * np.column_stack([np.cos(angle), np.sin(angle)])
    return _table(points + config.noise * random.standard_normal(points.shape), targets)


def far_points(config: FarPoints) -> Examples:
    """Two squares of side 2 left (class 0) and right (class 1) of the line x1 = 0, with a gap of 1/2 between them.

    Every fifth point of class 1 is moved straight away from the line by `distance`: farther on its correct side, so
    that the line still parts the classes.
    """
    targets = _alternating(config.n)
    points = _generator(config.seed).uniform(-1, 1, (config.n, 2))
    points[:, 0] += np.where(targets == 1, 1.25, -1.25)
    points[np.flatnonzero(targets == 1)[::5], 0] += config.distance
    return _table(points, targets)


def true_line(config: Line) -> tuple[Float64[np.ndarray, " features"], float]:
    """The weights w and the offset b of the function under the noise."""
    weights, offset, _ = _line_and_generator(config)
    return weights, offset


def line(config: Line) -> Examples:
    """y = w·x + b plus normal noise; w, b and the inputs are standard normal."""
    weights, offset, random = _line_and_generator(config)
    inputs = random.standard_normal((config.n, config.features))
    return _function(inputs, inputs @ weights + offset, config.noise, random)


def sine(config: Sine) -> Examples:
    """y = sin(x) plus normal noise; x is uniform from -π to π."""
    random = _generator(config.seed)
    inputs = random.uniform(-np.pi, np.pi, (config.n, 1))
    return _function(inputs, np.sin(inputs[:, 0]), config.noise, random)


def _line_and_generator(config: Line) -> tuple[Float64[np.ndarray, " features"], float, np.random.Generator]:
    random = _generator(config.seed)
    return random.standard_normal(config.features), random.standard_normal(), random


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
    return Examples(inputs.astype(np.float32), targets, class_names=("0", "1"), feature_names=_numbered(inputs))


def _function(
    inputs: Float64[np.ndarray, "n features"],
    values: Float64[np.ndarray, " n"],
    noise: float,
    random: np.random.Generator,
) -> Examples:
    targets = (values + noise * random.standard_normal(len(values))).astype(np.float32)
    return Examples(
        inputs.astype(np.float32),
        targets[:, np.newaxis],
        class_names=(),
        feature_names=_numbered(inputs),
        target_names=("y",),
    )


def _numbered(inputs: Float64[np.ndarray, "n features"]) -> tuple[str, ...]:
    return tuple(f"x{column + 1}" for column in range(inputs.shape[1]))


def _generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))
