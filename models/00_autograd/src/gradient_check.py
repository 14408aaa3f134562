"""Every operation against central differences: what the tape says, beside what happens when a number is moved."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float64

import operations
from tape import Variable

Array = Float64[np.ndarray, "..."]
Function = Callable[..., Variable]

STEP = 1e-6
"""How far a number is moved: its square is far below the rounding of what is compared."""

_POSITIVE = np.array([[0.5, 1.3, 2.0], [0.9, 1.7, 0.4]])
_EITHER = np.array([[-1.2, 0.3, 2.1], [0.7, -0.4, -1.9]])  # no zeros and no ties: every operation is smooth here
_ROW = np.array([1.5, -0.6, 0.8])

CASES: dict[str, tuple[Function, tuple[Array, ...]]] = {
    "add": (lambda a, b: a + b, (_EITHER, _ROW)),
    "subtract": (lambda a, b: a - b, (_ROW, _EITHER)),
    "multiply": (lambda a, b: a * b, (_EITHER, _EITHER[:, :1])),
    "divide": (lambda a, b: a / b, (_ROW, _POSITIVE)),
    "negate": (lambda a: -a, (_EITHER,)),
    "power": (lambda a: a**3, (_EITHER,)),
    "matmul": (lambda a, b: a @ b, (_EITHER, _POSITIVE.T)),
    "exp": (operations.exp, (_EITHER,)),
    "log": (operations.log, (_POSITIVE,)),
    "tanh": (operations.tanh, (_EITHER,)),
    "sigmoid": (operations.sigmoid, (_EITHER,)),
    "relu": (operations.relu, (_EITHER,)),
    "absolute": (operations.absolute, (_EITHER,)),
    "sqrt": (operations.sqrt, (_POSITIVE,)),
    "sum": (lambda a: operations.total(a, axis=0), (_EITHER,)),
    "mean": (lambda a: operations.mean(a, axis=1), (_EITHER,)),
    "maximum": (lambda a: operations.maximum(a, axis=1), (_EITHER,)),
    "logsumexp": (lambda a: operations.logsumexp(a, axis=1), (_EITHER,)),
    "reshape": (lambda a: operations.reshape(a, (3, 2)), (_EITHER,)),
    "transpose": (operations.transpose, (_EITHER,)),
    "pick": (lambda a: operations.pick(a, np.array([2, 0])), (_EITHER,)),
    "concatenate": (lambda a, b: operations.concatenate([a, b], axis=1), (_EITHER, _POSITIVE)),
}
"""Each operation with operands to try it on; where shapes differ, broadcasting is tried too."""


def errors_by_operation() -> dict[str, float]:
    """For each operation the largest difference between the tape's gradients and central differences."""
    return {name: gradient_error(function, operands) for name, (function, operands) in CASES.items()}


def gradient_error(function: Function, operands: Sequence[Array]) -> float:
    """The largest difference between the tape's gradient of Σ weights · function(operands) and central differences.

    The weights are fixed and all different, so that an operation that mixes up its results is found out.
    """
    weights = 1 + np.arange(function(*map(Variable, operands)).data.size) / 7

    def weighted(*leaves: Variable) -> Variable:
        result = function(*leaves)
        return operations.total(result * weights.reshape(result.shape))

    leaves = [Variable(operand) for operand in operands]
    weighted(*leaves).backward()
    worst = 0.0
    for k, leaf in enumerate(leaves):
        numerical = np.zeros_like(leaf.data)
        for place in np.ndindex(leaf.shape):
            moved = [operand.copy() for operand in operands]
            moved[k][place] += STEP
            above = float(weighted(*map(Variable, moved)).data)
            moved[k][place] -= 2 * STEP
            below = float(weighted(*map(Variable, moved)).data)
            numerical[place] = (above - below) / (2 * STEP)
        gradient = np.zeros_like(numerical) if leaf.gradient is None else leaf.gradient
        worst = max(worst, float(np.abs(gradient - numerical).max()))
    return worst
