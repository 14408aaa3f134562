"""The multilayer perceptron (Rumelhart, Hinton and Williams 1986): layers of units, and a rule to teach all of them.

What is notable about this version:

- The backward pass is written out, for any number of layers. Nothing is differentiated for us: no parameter has
  `requires_grad`, and the tests hold every gradient against autograd and against central differences.
- All weights and biases are one vector θ, and all their gradients another. A layer is a view of a piece of it. So the
  backward pass writes where the optimizer reads, and an optimizer is a line or two about vectors (optimizers.py).
- Weights are [units below, units]: a batch goes through a layer as `a @ W + b`, as one writes it on paper. torch.nn
  keeps the transpose.
- The activities of the forward pass are all that the backward pass needs: derivatives are written in terms of them
  (activations.py).

Equation numbers are those of docs/deep_dive.md.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from activations import ACTIVATIONS
from config import ModelConfig
from data_utils.description import Counts
from engine.config import ExperimentConfig
from initialisations import first_weights
from losses import LOSSES, Targets
from optimizers import build_optimizer
from utils.errors import InputError

Batch = tuple[Float[Tensor, "batch *shape"], Targets]
Vector = Float[Tensor, " parameters"]


class Layer(NamedTuple):
    """What belongs to one layer in a vector of parameters, or of their gradients."""

    weights: Float[Tensor, "below units"]
    bias: Float[Tensor, " units"]


class MLP(nn.Module):
    """Layers of units, each fully connected to the one below.

    Args:
        config: Its hidden layers, activations, loss, initialisation and optimizer.
        n_features: Numbers in one example; images are flattened.
        n_outputs: Classes to tell apart, or numbers to predict.
        regression: Whether targets are numbers rather than classes.
    """

    automatic_optimization = False  # `training_step` makes the update; the engine only hands over batches

    def __init__(self, config: ModelConfig, n_features: int, n_outputs: int, regression: bool = False) -> None:
        super().__init__()
        if regression and config.loss == "cross_entropy":
            raise InputError("model.loss is cross_entropy, but the targets are numbers; take squared_error")
        self.regression = regression
        if n_outputs == 2 and config.loss == "squared_error" and not regression:
            n_outputs = 1  # one unit says which of two classes, as in the paper: 0 or 1
        self.sizes = (n_features, *config.hidden, n_outputs)
        self.hidden, self.output = ACTIVATIONS[config.activation], ACTIVATIONS[config.output]
        self.loss = LOSSES[config.loss]
        self.threshold = 0.5 if config.output == "identity" else 0.0  # on z, of a single output: where class 1 begins

        parts = []
        for below, units in pairwise(self.sizes):
            parts += [first_weights(config.initialisation, below, units).flatten(), torch.zeros(units)]
        self.lengths = [len(part) for part in parts]
        self.theta: Tensor = nn.Parameter(torch.cat(parts), requires_grad=False)
        self.gradient: Tensor
        self.register_buffer("gradient", torch.zeros_like(self.theta), persistent=False)
        self.optimizer = build_optimizer(config.optimizer, len(self.theta))

    def layers(self, vector: Vector) -> list[Layer]:
        """Each layer's piece of θ, or of its gradient; a change of the one is a change of the other."""
        pieces = iter(vector.split(self.lengths))
        return [Layer(next(pieces).view(below, units), next(pieces)) for below, units in pairwise(self.sizes)]

    # The idea --------------------------------------------------------------------------------------------------------

    def forward(self, x: Float[Tensor, "batch features"]) -> list[Float[Tensor, "batch _"]]:
        """The activities of every layer, from the input, which is the first, to the output, which is the last."""
        activities = [x]
        *hidden, top = self.layers(self.theta)
        # exercise forward: append the activities of each hidden layer, then of the top one, by equations (1) and (2)
        for layer in hidden:
            # (1)  z_l = a_(l-1) W_l + b_l        (2)  a_l = f(z_l)
            activities.append(self.hidden.function(torch.addmm(layer.bias, activities[-1], layer.weights)))
        activities.append(self.output.function(torch.addmm(top.bias, activities[-1], top.weights)))
        # end exercise
        return activities

    def backward(self, activities: Sequence[Float[Tensor, "batch _"]], slope: Float[Tensor, "batch outputs"]) -> None:
        """Fill `self.gradient`: what each weight and bias contributes to the loss.

        Args:
            activities: What `forward` returned.
            slope: ∂L/∂a of the output layer, with the 1/n of the mean over the examples in it.
        """
        layers, gradients = self.layers(self.theta), self.layers(self.gradient)
        # exercise output-delta: `delta` of the top layer by equation (12)
        # (12)  δ_L = ∂L/∂a_L ⊙ f'(z_L)
        delta = slope * self.output.derivative(activities[-1])
        # end exercise
        for i in reversed(range(len(layers))):  # layers[i] leads from activities[i] to activities[i + 1]
            self.fill(gradients[i], activities[i], delta)
            if i > 0:
                delta = self.pass_back(delta, layers[i].weights, activities[i])

    def fill(self, gradient: Layer, below: Float[Tensor, "batch below"], delta: Float[Tensor, "batch units"]) -> None:
        """Write the gradient of one layer, from the activities below it and its δ, in place."""
        # exercise gradient: equations (14) and (15), into gradient.weights and gradient.bias
        # (14)  ∂L/∂W_l = a_(l-1)ᵀ δ_l
        torch.mm(below.T, delta, out=gradient.weights)
        # (15)  ∂L/∂b_l = Σ_i δ_l,i
        torch.sum(delta, dim=0, out=gradient.bias)
        # end exercise

    def pass_back(
        self,
        delta: Float[Tensor, "batch units"],
        weights: Float[Tensor, "below units"],
        below: Float[Tensor, "batch below"],
    ) -> Float[Tensor, "batch below"]:
        """δ of the layer below, whose activities are `below`: the blame of each unit for those that it feeds."""
        # exercise pass-back: equation (13)
        # (13)  δ_(l-1) = (δ_l W_lᵀ) ⊙ f'(z_(l-1))
        return (delta @ weights.T).mul_(self.hidden.derivative(below))
        # end exercise

    # What the engine asks for ----------------------------------------------------------------------------------------

    def training_step(self, batch: Batch, optimizers: dict[str, Optimizer]) -> dict[str, Tensor]:
        """Learn from a batch: forward, backward, one step of the optimizer.

        Returns:
            `loss`, before the step, and `gradient_norm`, the length of its gradient.
        """
        inputs, targets = batch
        activities = self(inputs.flatten(1))
        loss, slope = self.loss(activities[-1], targets)
        self.backward(activities, slope)
        self.optimizer.step(self.theta, self.gradient)
        return {"loss": loss, "gradient_norm": self.gradient.norm()}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Answer a batch and learn nothing.

        Returns:
            `predictions` and `targets`, classes or numbers, and `loss`.
        """
        inputs, targets = batch
        outputs = self(inputs.flatten(1))[-1]
        loss, _ = self.loss(outputs, targets)
        return {"predictions": self.answers(outputs), "targets": targets, "loss": loss}

    def answers(self, outputs: Float[Tensor, "batch outputs"]) -> Tensor:
        """What outputs mean: numbers as they are, or the class that they speak for."""
        if self.regression:
            return outputs
        return (outputs[:, 0] > 0.5).long() if outputs.shape[1] == 1 else outputs.argmax(dim=1)

    def measures(self) -> dict[str, float]:
        """Logged at each evaluation as `model/<name>`: the length of θ, and of each layer's last weight gradient.

        `gradient_ratio` is that of the first layer over that of the last: near zero where the gradient vanishes.
        """
        norms = [float(layer.weights.norm()) for layer in self.layers(self.gradient)]
        measured = {"parameter_norm": float(self.theta.norm())}
        if norms[-1] > 0:  # not before the first step
            measured |= {f"gradient_norm_{number}": norm for number, norm in enumerate(norms, 1)}
            measured["gradient_ratio"] = norms[0] / norms[-1]
        return measured

    def plot_data(self) -> dict[str, object]:
        """What the plots may draw besides data and history.

        Where there are two classes and a hidden layer: `represent`, from inputs [n, features] to the activities of the
        last hidden layer, and the line that the output draws there, `readout_weights` [units] and `readout_bias`.
        """
        if self.regression or self.sizes[-1] > 2 or len(self.sizes) == 2:
            return {}
        top = self.layers(self.theta)[-1]
        one_output = self.sizes[-1] == 1
        weights = top.weights[:, 0] if one_output else top.weights[:, 1] - top.weights[:, 0]
        bias = top.bias[0] - self.threshold if one_output else top.bias[1] - top.bias[0]

        def represent(inputs: np.ndarray) -> np.ndarray:
            points = torch.as_tensor(inputs, dtype=self.theta.dtype, device=self.theta.device)
            return self(points.flatten(1))[-2].cpu().numpy()

        return {"represent": represent, "readout_weights": weights.cpu().numpy(), "readout_bias": float(bias)}


def build(config: ExperimentConfig[ModelConfig], data: Counts) -> MLP:
    """The network for a data set: an output for each class, or for each number to predict."""
    return MLP(config.model, data.n_features, data.n_classes or data.n_outputs, regression=data.n_outputs > 0)
