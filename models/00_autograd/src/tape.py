"""A tape: numbers that remember where they came from, and the way back (Wengert 1964).

What is notable about this version:

- Every operation makes a `Variable` that holds its result, the variables it came from, and for each of them a pullback:
  a function that turns the gradient of the result into a gradient of that operand. That is all that is remembered.
- The tape is implicit: it is the graph of variables. `backward` puts it in order and goes through it once, in reverse.
- A variable that is used twice gets the sum of both gradients. So does a leaf on which `backward` is called twice.
- Operands of different shapes are broadcast as in NumPy, and their gradients are summed back to their own shape.
- Arithmetic is here, all other operations are in operations.py. Everything is float64, so that it can be checked.

Equation numbers are those of docs/deep_dive.md.
"""

from collections.abc import Callable
from typing import Union

import numpy as np
from jaxtyping import Float64

Array = Float64[np.ndarray, "..."]
Pullback = Callable[[Array], Array]
Operand = Union["Variable", Array, float]


class Variable:
    """An array of numbers with a place on the tape.

    Args:
        data: The numbers, any shape; kept as float64.
        operation: What made it; "leaf" for what was given.
        sources: The variables that it was made from, each with its pullback.
    """

    __array_priority__ = 1.0  # so that `array + variable` asks the variable

    def __init__(
        self, data: object, operation: str = "leaf", sources: tuple[tuple["Variable", Pullback], ...] = ()
    ) -> None:
        self.data: Array = np.asarray(data, dtype=np.float64)
        self.operation, self.sources = operation, sources
        self.gradient: Array | None = None
        """∂L/∂self after `backward`; None before, and for whatever L does not depend on."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the numbers."""
        return self.data.shape

    # The idea --------------------------------------------------------------------------------------------------------

    def backward(self) -> None:
        """Set the gradient of this scalar with respect to every variable that it was made from.

        Called twice, it adds a second time to the gradients of the leaves; those in between start anew.

        Raises:
            ValueError: This is not a single number: there is no one gradient of several.
        """
        if self.data.size != 1:
            raise ValueError(f"backward starts from one number, and this variable has shape {self.shape}")
        # exercise backward: equations (2) and (3), in the order of `in_order`
        order = in_order(self)
        for variable in order:
            if variable.sources:
                variable.gradient = None
        # (2)  L̄ = 1
        self.gradient = np.ones_like(self.data)
        for variable in reversed(order):
            gradient = variable.gradient
            assert gradient is not None  # all that is in the order leads here, and what leads on comes earlier
            for source, pullback in variable.sources:
                # (3)  x̄_i <- x̄_i + (∂y/∂x_i)ᵀ ȳ
                source.receive(np.asarray(pullback(gradient)))
        # end exercise

    def receive(self, gradient: Array) -> None:
        """Add to the gradient: a variable that is used several times is responsible several times."""
        # exercise receive: the sum in equation (3); the first gradient finds None there
        self.gradient = gradient if self.gradient is None else self.gradient + gradient
        # end exercise

    # Arithmetic ------------------------------------------------------------------------------------------------------

    def __add__(self, other: Operand) -> "Variable":
        return broadcast("add", np.add, self, other, lambda g, a, b: g, lambda g, a, b: g)

    def __mul__(self, other: Operand) -> "Variable":
        # exercise multiply: the two pullbacks of a product, from the gradient g and the operands a and b
        # (7)  y = a b:  ā = ȳ b,  b̄ = ȳ a
        return broadcast("multiply", np.multiply, self, other, lambda g, a, b: g * b, lambda g, a, b: g * a)
        # end exercise

    def __sub__(self, other: Operand) -> "Variable":
        return broadcast("subtract", np.subtract, self, other, lambda g, a, b: g, lambda g, a, b: -g)

    def __truediv__(self, other: Operand) -> "Variable":
        return broadcast("divide", np.divide, self, other, lambda g, a, b: g / b, lambda g, a, b: -g * a / b**2)

    def __matmul__(self, other: Operand) -> "Variable":
        """The matrix product of two matrices."""
        a, b = variable(self), variable(other)
        if a.data.ndim != 2 or b.data.ndim != 2:
            raise ValueError(f"the tape multiplies matrices, and these have shapes {a.shape} and {b.shape}")
        # exercise matmul: the two pullbacks of a matrix product
        # (8)  Y = A B:  Ā = Ȳ Bᵀ,  B̄ = Aᵀ Ȳ
        sources = ((a, lambda g: g @ b.data.T), (b, lambda g: a.data.T @ g))
        # end exercise
        return Variable(a.data @ b.data, "matmul", sources)

    def __pow__(self, exponent: float) -> "Variable":
        """A power with a constant exponent."""
        pullback: Pullback = lambda g: g * exponent * self.data ** (exponent - 1)  # noqa: E731
        return Variable(self.data**exponent, "power", ((self, pullback),))

    def __neg__(self) -> "Variable":
        return Variable(-self.data, "negate", ((self, np.negative),))

    def __radd__(self, other: Operand) -> "Variable":
        return variable(other) + self

    def __rmul__(self, other: Operand) -> "Variable":
        return variable(other) * self

    def __rsub__(self, other: Operand) -> "Variable":
        return variable(other) - self

    def __rtruediv__(self, other: Operand) -> "Variable":
        return variable(other) / self


def variable(operand: Operand) -> Variable:
    """`operand` on the tape: a constant becomes a leaf."""
    return operand if isinstance(operand, Variable) else Variable(operand)


def in_order(last: Variable) -> list[Variable]:
    """Everything that `last` was made from, and `last` itself, each after all of its sources.

    A loop and not a recursion: a tape can be longer than Python's stack.
    """
    # exercise order: equation (4), a topological order of the graph that ends in `last`
    # (4)  x before y wherever y was made from x
    order: list[Variable] = []
    seen: set[int] = set()
    pending = [(last, False)]
    while pending:
        node, sources_are_done = pending.pop()
        if sources_are_done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            pending.append((node, True))
            pending.extend((source, False) for source, _ in node.sources)
    # end exercise
    return order


def summed_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """A gradient of something that was broadcast, summed over the copies that were made.

    Args:
        gradient: In the shape that broadcasting made.
        shape: The operand's own shape.
    """
    # exercise broadcast: equation (5); axes that were added come first, axes of length 1 were stretched
    # (5)  y = copies of x:  x̄ = sum of ȳ over the copies
    gradient = np.asarray(gradient.sum(axis=tuple(range(gradient.ndim - len(shape)))))
    stretched = tuple(axis for axis, n in enumerate(shape) if n == 1 and gradient.shape[axis] != 1)
    return np.asarray(gradient.sum(axis=stretched, keepdims=True))
    # end exercise


def broadcast(
    operation: str,
    compute: Callable[[Array, Array], Array],
    left: Operand,
    right: Operand,
    to_left: Callable[[Array, Array, Array], Array],
    to_right: Callable[[Array, Array, Array], Array],
) -> Variable:
    """An operation on each pair of numbers; `to_left` and `to_right` give (g, a, b) their pullbacks, pair by pair."""
    a, b = variable(left), variable(right)
    return Variable(
        compute(a.data, b.data),
        operation,
        (
            (a, lambda g: summed_to(np.asarray(to_left(g, a.data, b.data)), a.shape)),
            (b, lambda g: summed_to(np.asarray(to_right(g, a.data, b.data)), b.shape)),
        ),
    )
