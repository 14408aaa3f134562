"""How the tape compares with the closed form and with torch: the same gradients, and at what price."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from networks import Classes, Matrix, Parameters, by_hand, by_tape, by_torch, cross_entropy, tape_scores
from tape import Variable, in_order

Costs = dict[str, np.ndarray]

METHODS = {"tape": by_tape, "hand": by_hand, "torch": by_torch}


def largest_difference(parameters: Parameters, inputs: Matrix, classes: Classes) -> float:
    """The largest difference between any two of tape, hand and torch, in the loss or in any gradient."""
    found = [_flat(*method(parameters, inputs, classes)) for method in METHODS.values()]
    return max(float(np.abs(a - b).max()) for a in found for b in found)


def costs(parameters: Parameters, inputs: Matrix, classes: Classes, repeats: int) -> dict[str, float]:
    """What the tape costs beside the other two.

    Returns:
        `time_over_hand` and `time_over_torch`: the tape's time for a loss and its gradients over those of the others,
        medians of `repeats` taken in turn. `tape_variables` and `tape_numbers`: the variables on the tape besides
        leaves, and the numbers in them, which must be kept for the way back. `numbers_by_formula`: the latter by
        equation (14).
    """
    seconds: dict[str, list[float]] = {name: [] for name in METHODS}
    for _ in range(repeats):
        for name, method in METHODS.items():
            seconds[name].append(_timed(partial(method, parameters, inputs, classes)))
    median = {name: float(np.median(times)) for name, times in seconds.items()}
    leaves = [Variable(parameter) for parameter in parameters]
    loss = cross_entropy(tape_scores(leaves, inputs), classes)
    made = [node for node in in_order(loss) if node.sources]
    return {
        "time_over_hand": median["tape"] / median["hand"],
        "time_over_torch": median["tape"] / median["torch"],
        "tape_variables": len(made),
        "tape_numbers": sum(node.data.size for node in made),
        "numbers_by_formula": formula(len(inputs), [len(b) for b in parameters[1::2]]),
    }


def formula(n: int, widths: list[int]) -> int:
    """(14)  The numbers on the tape: 3 n for each hidden unit, 2 n for each class, 3 n + 1 for the loss."""
    *hidden, classes = widths
    return 3 * n * sum(hidden) + 2 * n * classes + 3 * n + 1


def costs_by_depth(inputs: Matrix, classes: Classes, width: int, depths: Sequence[int], repeats: int) -> Costs:
    """The same for networks of one width and several depths, with weights from one fixed draw.

    Returns:
        `depths`; and for each `time_over_hand`, `tape_numbers` and `numbers_by_formula`.
    """
    random = np.random.default_rng(0)
    found = []
    for depth in depths:
        sizes = [inputs.shape[1], *[width] * depth, int(classes.max()) + 1]
        parameters: list[np.ndarray] = []
        for fan_in, fan_out in pairwise(sizes):
            parameters += [random.standard_normal((fan_in, fan_out)) / fan_in**0.5, np.zeros(fan_out)]
        found.append(costs(parameters, inputs, classes, repeats))
    kept = ("time_over_hand", "tape_numbers", "numbers_by_formula")
    return {"depths": np.array(depths), **{name: np.array([cost[name] for cost in found]) for name in kept}}


def _flat(loss: float, gradients: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([[loss], *(gradient.ravel() for gradient in gradients)])


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
