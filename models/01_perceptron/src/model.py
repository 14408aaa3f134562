"""The perceptron (Rosenblatt 1958): one linear unit that changes its weights only when it is wrong.

What is notable about this version:

- The learning rule is written out. There is no gradient, no autograd and no optimizer: `learn` looks at one example,
  and where the answer is wrong it adds the example to the weights or takes it away.
- The rule is online. A batch is gone through example by example, in order, so the batch size changes nothing.
- Classes are 0 and 1 outside and signs -1 and +1 inside; the sign makes "wrong" one inequality.
- A score of exactly zero counts as wrong while learning. Otherwise zero weights would never start to move.
- It counts its mistakes, because on separable data their number has a bound (Novikoff 1962): see margin.py.

Equation numbers are those of docs/deep_dive.md.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Optimizer

from config import ModelConfig
from data_utils.description import Counts
from engine.config import ExperimentConfig
from margin import Margin

Batch = tuple[Float[Tensor, "batch *shape"], Int[Tensor, " batch"]]


class Perceptron(nn.Module):
    """One linear unit with a bias: `n_features + 1` numbers.

    Args:
        config: The learning rate.
        n_features: Numbers in one example; images are flattened.
    """

    automatic_optimization = False  # `training_step` makes the update; the engine only hands over batches

    def __init__(self, config: ModelConfig, n_features: int) -> None:
        super().__init__()
        self.learning_rate = config.learning_rate

        # Zero is where Novikoff's proof starts. Nothing is differentiated, hence requires_grad=False.
        self.weights: Tensor = nn.Parameter(torch.zeros(n_features), requires_grad=False)
        self.bias: Tensor = nn.Parameter(torch.zeros(()), requires_grad=False)

        # Not learned, but part of the state: a resumed run goes on counting. A bound of 0 means that none is known.
        self.mistakes: Tensor
        self.mistake_bound: Tensor
        self.margin: Tensor
        self.register_buffer("mistakes", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mistake_bound", torch.zeros((), dtype=torch.int64))
        self.register_buffer("margin", torch.zeros(()))

    # The idea --------------------------------------------------------------------------------------------------------

    def score(self, x: Float[Tensor, "*batch features"]) -> Float[Tensor, "*batch"]:
        """The score of examples: its sign says on which side of the line they are."""
        # exercise score: the score of equation (1), from self.weights and self.bias
        # (1)  s = w·x + b
        return x @ self.weights + self.bias
        # end exercise

    def learn(self, x: Float[Tensor, " features"], sign: Float[Tensor, ""]) -> Float[Tensor, ""]:
        """Look at one example and correct the weights if they get it wrong.

        Args:
            x: The example.
            sign: +1 for class 1, -1 for class 0.

        Returns:
            The score before the correction.
        """
        score = self.score(x)
        # exercise correction: the correction of equation (3), made only on a mistake, and the count in self.mistakes
        # (3)  if t·s <= 0:  w <- w + η t x,  b <- b + η t
        if sign * score <= 0:
            self.weights += self.learning_rate * sign * x
            self.bias += self.learning_rate * sign
            self.mistakes += 1
        # end exercise
        return score

    def remember_margin(self, margin: Margin) -> None:
        """Note how far apart the classes of the training data are, and what follows for the number of mistakes."""
        # exercise bound: the bound of equation (5), from margin.radius and margin.margin, as a whole number
        # (5)  mistakes <= (R / γ)², rounded down because they are counted; the small term is for float rounding
        bound = math.floor((margin.radius / margin.margin) ** 2 + 1e-6)
        # end exercise
        self.mistake_bound.fill_(bound)
        self.margin.fill_(margin.margin)

    # What the engine asks for ----------------------------------------------------------------------------------------

    def training_step(self, batch: Batch, optimizers: dict[str, Optimizer]) -> dict[str, Tensor]:
        """Learn from a batch, one example after the other.

        Returns:
            `loss`, the perceptron criterion of the scores as they were met, and `mistakes`, the fraction of the
            examples on which the weights were corrected.
        """
        inputs, targets = batch
        signs = signs_of(targets, inputs.dtype)
        scores = torch.stack([self.learn(x, sign) for x, sign in zip(inputs.flatten(1), signs, strict=True)])
        return {"loss": criterion(scores, signs), "mistakes": (signs * scores <= 0).to(inputs.dtype).mean()}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Classify a batch and learn nothing.

        Returns:
            `predictions` and `targets`, both classes; `loss`, the perceptron criterion; and `settled`, the fraction of
            the examples that `learn` would leave alone: where it is 1, the rule has come to rest.
        """
        inputs, targets = batch
        scores, signs = self.score(inputs.flatten(1)), signs_of(targets, inputs.dtype)
        return {
            "predictions": (scores > 0).to(targets.dtype),  # (2)  class 1 where s > 0, class 0 elsewhere
            "targets": targets,
            "loss": criterion(scores, signs),
            "settled": (signs * scores > 0).to(inputs.dtype).mean(),
        }

    def measures(self) -> dict[str, float]:
        """The state in numbers: logged at each evaluation as `model/<name>`."""
        numbers = {"mistakes": float(self.mistakes), "weight_norm": float(self.weights.norm())}
        if self.mistake_bound > 0:
            numbers |= {"margin": float(self.margin), "mistake_bound": float(self.mistake_bound)}
        if len(self.weights) == 2:  # a line that can be drawn
            w_0, w_1 = self.weights.tolist()
            numbers |= {"weight_0": w_0, "weight_1": w_1, "bias": float(self.bias)}
        return numbers

    def plot_data(self) -> dict[str, object]:
        """What the plots may draw besides data and history: `weights` [features] and `bias`."""
        return {"weights": self.weights.detach().cpu().numpy(), "bias": float(self.bias)}


def signs_of(targets: Int[Tensor, " batch"], dtype: torch.dtype) -> Float[Tensor, " batch"]:
    """Class 0 becomes -1, class 1 becomes +1."""
    return targets.to(dtype) * 2 - 1


def criterion(scores: Float[Tensor, " batch"], signs: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """The perceptron criterion: the mean over the examples of how far they are on the wrong side."""
    # exercise criterion: the perceptron criterion of equation (4)
    # (4)  L = mean of max(0, -t·s)
    return (-signs * scores).clamp(min=0).mean()
    # end exercise


def build(config: ExperimentConfig[ModelConfig], data: Counts) -> Perceptron:
    """The unit for a data set."""
    return Perceptron(config.model, data.n_features)
