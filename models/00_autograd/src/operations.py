"""The operations of the tape besides arithmetic: each computes, and says how a gradient comes back through it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int

from tape import Array, Variable

# One number to one number ---------------------------------------------------------------------------------------------


def exp(x: Variable) -> Variable:
    """e to the power of x."""
    y = np.exp(x.data)
    return Variable(y, "exp", ((x, lambda g: g * y),))


def log(x: Variable) -> Variable:
    """The natural logarithm."""
    return Variable(np.log(x.data), "log", ((x, lambda g: g / x.data),))


def tanh(x: Variable) -> Variable:
    """The hyperbolic tangent."""
    y = np.tanh(x.data)
    # exercise tanh: the pullback of tanh, from the gradient g and the result y
    # (9)  y = tanh x:  x̄ = ȳ (1 - y²)
    sources = ((x, lambda g: g * (1 - y**2)),)
    # end exercise
    return Variable(y, "tanh", sources)


def sigmoid(x: Variable) -> Variable:
    """1 / (1 + e^-x), without overflow."""
    y = 0.5 * (1 + np.tanh(0.5 * x.data))
    return Variable(y, "sigmoid", ((x, lambda g: g * y * (1 - y)),))


def relu(x: Variable) -> Variable:
    """max(0, x); at 0 the gradient is taken to be 0."""
    return Variable(np.maximum(x.data, 0), "relu", ((x, lambda g: g * (x.data > 0)),))


def absolute(x: Variable) -> Variable:
    """|x|; at 0 the gradient is taken to be 0."""
    return Variable(np.abs(x.data), "absolute", ((x, lambda g: g * np.sign(x.data)),))


def sqrt(x: Variable) -> Variable:
    """The square root."""
    y = np.sqrt(x.data)
    return Variable(y, "sqrt", ((x, lambda g: g / (2 * y)),))


# Many numbers to fewer ------------------------------------------------------------------------------------------------


def total(x: Variable, axis: int | None = None) -> Variable:
    """The sum over one axis, or over all."""
    return Variable(x.data.sum(axis=axis), "sum", ((x, lambda g: np.broadcast_to(_kept(g, axis), x.shape)),))


def mean(x: Variable, axis: int | None = None) -> Variable:
    """The mean over one axis, or over all."""
    y = x.data.mean(axis=axis)
    n = x.data.size / y.size
    return Variable(y, "mean", ((x, lambda g: np.broadcast_to(_kept(g, axis), x.shape) / n),))


def maximum(x: Variable, axis: int | None = None) -> Variable:
    """The largest over one axis, or over all; equal ones share the gradient."""
    y = x.data.max(axis=axis)
    where = x.data == _kept(np.asarray(y), axis)
    share = where / where.sum(axis=axis, keepdims=True)
    return Variable(y, "maximum", ((x, lambda g: _kept(g, axis) * share),))


def logsumexp(x: Variable, axis: int | None = None) -> Variable:
    """log of the sum of e^x over one axis, or over all; without overflow, since the largest is taken out first."""
    largest = x.data.max(axis=axis, keepdims=True)
    shifted = np.exp(x.data - largest)
    sums = shifted.sum(axis=axis, keepdims=True)
    y = np.log(sums) + largest
    # exercise logsumexp: the pullback; `shifted / sums` is the softmax of x
    # (10)  y = log Σ e^x:  x̄ = ȳ softmax(x)
    sources = ((x, lambda g: _kept(g, axis) * shifted / sums),)
    # end exercise
    return Variable(y.squeeze() if axis is None else y.squeeze(axis), "logsumexp", sources)


def _kept(reduced: Array, axis: int | None) -> Array:
    """A reduced array with its axis back, of length 1, so that it broadcasts against what it was reduced from."""
    return reduced if axis is None else np.expand_dims(reduced, axis)


# The same numbers elsewhere -------------------------------------------------------------------------------------------


def reshape(x: Variable, shape: tuple[int, ...]) -> Variable:
    """The same numbers in another shape."""
    return Variable(x.data.reshape(shape), "reshape", ((x, lambda g: g.reshape(x.shape)),))


def transpose(x: Variable) -> Variable:
    """Rows become columns; of more axes, the order is reversed."""
    return Variable(x.data.T, "transpose", ((x, lambda g: g.T),))


def pick(x: Variable, columns: Int[np.ndarray, " n"]) -> Variable:
    """One number from each row of a matrix, such as the score of the right class."""
    rows = np.arange(len(columns))

    def pullback(g: Array) -> Array:
        gradient = np.zeros_like(x.data)
        gradient[rows, columns] = g
        return gradient

    return Variable(x.data[rows, columns], "pick", ((x, pullback),))


def concatenate(parts: Sequence[Variable], axis: int = 0) -> Variable:
    """Arrays joined along an axis."""
    ends = np.cumsum([part.shape[axis] for part in parts])

    def own(k: int) -> slice:
        return slice(int(ends[k]) - parts[k].shape[axis], int(ends[k]))

    sources = tuple(
        (part, lambda g, k=k: np.moveaxis(np.moveaxis(g, axis, 0)[own(k)], 0, axis)) for k, part in enumerate(parts)
    )
    return Variable(np.concatenate([part.data for part in parts], axis), "concatenate", sources)
