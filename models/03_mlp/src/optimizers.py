"""Optimizers by hand: how a gradient becomes a step.

Each one changes a single vector θ that holds all weights and biases, so an update is a line or two of the paper. What
an optimizer remembers are buffers of a module: they are saved with the weights, and a resumed run goes on with them.
With the same settings the weights are those of torch.optim. Equation numbers are those of docs/deep_dive.md.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

import config

Vector = Float[Tensor, " parameters"]


class Sgd(nn.Module):
    """Gradient descent."""

    def __init__(self, settings: config.Sgd) -> None:
        super().__init__()
        self.lr, self.weight_decay = settings.lr, settings.weight_decay

    def step(self, theta: Vector, gradient: Vector) -> None:
        """Move `theta` down its gradient."""
        gradient = decayed(gradient, theta, self.weight_decay)
        # exercise sgd: the update of equation (18), of theta in place
        # (18)  θ <- θ - η g
        theta.sub_(gradient, alpha=self.lr)
        # end exercise


class Momentum(nn.Module):
    """Gradient descent with a velocity.

    The paper adds a part of the last step to the next one. With a constant rate that is the same as (19) and (20).
    """

    def __init__(self, settings: config.Momentum, size: int) -> None:
        super().__init__()
        self.lr, self.mu, self.weight_decay = settings.lr, settings.mu, settings.weight_decay
        self.looks_ahead = settings.name == "nesterov"
        self.velocity: Tensor
        self.register_buffer("velocity", torch.zeros(size))

    def step(self, theta: Vector, gradient: Vector) -> None:
        """Add the gradient to the velocity and move `theta` against that."""
        gradient = decayed(gradient, theta, self.weight_decay)
        # exercise momentum: the updates of equations (19) and (20), or (21) where self.looks_ahead, in place
        # (19)  v <- μ v + g
        self.velocity.mul_(self.mu).add_(gradient)
        if self.looks_ahead:
            # (21)  θ <- θ - η (g + μ v)
            theta.sub_(gradient.add(self.velocity, alpha=self.mu), alpha=self.lr)
        else:
            # (20)  θ <- θ - η v
            theta.sub_(self.velocity, alpha=self.lr)
        # end exercise


class Adam(nn.Module):
    """Steps that are measured in the size of recent gradients: Adam, or AdamW."""

    def __init__(self, settings: config.Adam, size: int) -> None:
        super().__init__()
        self.lr, self.betas, self.eps = settings.lr, settings.betas, settings.eps
        self.weight_decay, self.decays_apart = settings.weight_decay, settings.name == "adamw"
        self.mean: Tensor
        self.mean_square: Tensor
        self.steps: Tensor
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("mean_square", torch.zeros(size))
        self.register_buffer("steps", torch.zeros(()))

    def step(self, theta: Vector, gradient: Vector) -> None:
        """Move `theta` against the mean gradient, over the root of the mean square."""
        if self.decays_apart:
            # (22)  θ <- (1 - η λ) θ, before and apart from the rest
            theta.mul_(1 - self.lr * self.weight_decay)
        else:
            gradient = decayed(gradient, theta, self.weight_decay)
        rate_1, rate_2 = self.betas
        # exercise adam: the update of equations (23) to (25), of self.steps, self.mean, self.mean_square and theta
        # (23)  m <- β1 m + (1 - β1) g,  s <- β2 s + (1 - β2) g²
        self.mean.lerp_(gradient, 1 - rate_1)
        self.mean_square.mul_(rate_2).addcmul_(gradient, gradient, value=1 - rate_2)
        # (24)  both start at zero and are too small by the factor 1 - β^t
        self.steps += 1
        correction_1, correction_2 = one_minus_power(rate_1, self.steps), one_minus_power(rate_2, self.steps)
        # (25)  θ <- θ - η m̂ / (√ŝ + ε)
        root = (self.mean_square / correction_2).sqrt_().add_(self.eps)
        theta.sub_(self.mean / (root * correction_1), alpha=self.lr)
        # end exercise


def decayed(gradient: Vector, theta: Vector, weight_decay: float) -> Vector:
    """The gradient of the loss plus λ/2 ‖θ‖²."""
    return gradient.add(theta, alpha=weight_decay) if weight_decay else gradient


def one_minus_power(rate: float, steps: Float[Tensor, ""]) -> Float[Tensor, ""]:
    """1 - rate^steps without the loss of digits that the subtraction would have for a rate near 1."""
    return -torch.expm1(steps * math.log(rate)) if rate else torch.ones_like(steps)


def build_optimizer(settings: config.OptimizerConfig, size: int) -> Sgd | Momentum | Adam:
    """The optimizer of `size` parameters that `settings` names."""
    match settings:
        case config.Sgd():
            return Sgd(settings)
        case config.Momentum():
            return Momentum(settings, size)
        case config.Adam():
            return Adam(settings, size)
