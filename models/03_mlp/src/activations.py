"""Activation functions and their derivatives.

Each derivative is written in terms of the activity a = f(z) and not of z, so that the backward pass needs nothing but
the activities that the forward pass has left: no z is kept. Equation numbers are those of docs/deep_dive.md.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

Activities = Float[Tensor, "batch units"]


class Activation(NamedTuple):
    """A function of each unit's input, and its slope."""

    function: Callable[[Activities], Activities]
    """From z to a = f(z)."""
    derivative: Callable[[Activities], Activities]
    """From a to f'(z)."""


def sigmoid(z: Activities) -> Activities:
    """Between 0 and 1; the unit of 1986."""
    # exercise sigmoid: the function of equation (3)
    # (3)  f(z) = 1 / (1 + exp(-z))
    return 1 / (1 + torch.exp(-z))
    # end exercise


def sigmoid_derivative(a: Activities) -> Activities:
    """At most 1/4, which is why deep stacks of sigmoids learn slowly."""
    # exercise sigmoid-derivative: the slope of the sigmoid, from the activity a alone
    # (4)  f'(z) = a (1 - a)
    return a * (1 - a)
    # end exercise


def tanh(z: Activities) -> Activities:
    """Between -1 and 1."""
    return torch.tanh(z)


def tanh_derivative(a: Activities) -> Activities:
    """At most 1, at z = 0."""
    # exercise tanh-derivative: the slope of the hyperbolic tangent, from the activity a alone
    # (5)  f'(z) = 1 - a²
    return 1 - a * a
    # end exercise


def relu(z: Activities) -> Activities:
    """Zero below zero (Nair and Hinton 2010)."""
    return z.clamp(min=0)


def relu_derivative(a: Activities) -> Activities:
    """1 where the unit is active, 0 elsewhere and, by convention, at z = 0."""
    # exercise relu-derivative: the slope of max(0, z), from the activity a alone
    # (6)  f'(z) = 1 where a > 0, else 0
    return (a > 0).to(a.dtype)
    # end exercise


def identity(z: Activities) -> Activities:
    """For outputs that are numbers, or that a loss makes into probabilities."""
    return z


def identity_derivative(a: Activities) -> Activities:
    """1 everywhere."""
    return torch.ones_like(a)


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "relu": Activation(relu, relu_derivative),
    "identity": Activation(identity, identity_derivative),
}
