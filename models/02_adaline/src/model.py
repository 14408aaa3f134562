"""ADALINE (Widrow & Hoff 1960): one linear unit that learns from how far it is off, not only from being wrong.

What is notable about this version:

- The delta rule is written out. There is no gradient, no autograd and no optimizer.
- The correction is proportional to the error and is made before the threshold: a right answer that is not exactly right
  is corrected too. That makes the error smooth, with one bottom to come to rest at, and is also the rule's weakness.
- A batch is one correction by the mean over its examples. With a batch of one it is the rule of the paper (stochastic,
  later called LMS); with all examples it is gradient descent, whose every step can be computed beforehand.
- A class is learned as the number 0 or 1, so the threshold lies at one half. Widrow's -1 and +1 give the same line.
- Weights are in double precision, so that what theorems say about them can be checked to the last digits.
- The bottom of the bowl is known (least_squares.py) and kept beside the weights, so that a run can say how far it is.

Equation numbers are those of docs/deep_dive.md.
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.optim import Optimizer

from config import ModelConfig
from data_utils.description import Counts
from engine.config import ExperimentConfig
from least_squares import LeastSquares, distances

Batch = tuple[Float[Tensor, "batch *shape"], Shaped[Tensor, "batch *output"]]

THRESHOLD = 0.5
"""(2)  Halfway between the numbers of the two classes."""
UNDECIDED = 1e-6
"""Single precision could not tell a score that is no farther from the threshold from the threshold itself."""


class Adaline(nn.Module):
    """One linear unit with a bias: `n_features + 1` numbers.

    Args:
        config: The learning rate and its unit.
        n_features: Numbers in one example; images are flattened.
        classes: Whether targets are the classes 0 and 1; else they are numbers.
    """

    automatic_optimization = False  # `training_step` makes the update; the engine only hands over batches

    def __init__(self, config: ModelConfig, n_features: int, classes: bool) -> None:
        super().__init__()
        self.config, self.classes = config, classes
        self.learning_rate = config.learning_rate
        self.weights: Tensor = nn.Parameter(torch.zeros(n_features, dtype=torch.float64), requires_grad=False)
        self.bias: Tensor = nn.Parameter(torch.zeros((), dtype=torch.float64), requires_grad=False)

        # Not learned, but part of the state: what the training data alone decides, for the plots and the measures.
        self.optimum: Tensor
        self.correlation: Tensor
        self.minimum: Tensor
        self.register_buffer("optimum", torch.zeros(n_features + 1, dtype=torch.float64))
        self.register_buffer("correlation", torch.zeros(n_features + 1, n_features + 1, dtype=torch.float64))
        self.register_buffer("minimum", torch.zeros((), dtype=torch.float64))

    # The idea --------------------------------------------------------------------------------------------------------

    def score(self, x: Float[Tensor, "*batch features"]) -> Float[Tensor, "*batch"]:
        """What the unit gives for examples, before any threshold."""
        # exercise score: the sum of equation (1), from self.weights and self.bias
        # (1)  s = w·x + b
        return x @ self.weights + self.bias
        # end exercise

    def learn(self, x: Float[Tensor, "batch features"], t: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Correct the weights by the mean error of a batch.

        Args:
            x: The examples.
            t: The number that each should give.

        Returns:
            The errors before the correction.
        """
        # exercise delta-rule: the errors, and the correction of equation (3) with self.learning_rate
        # (3)  e = t - s;  w <- w + η mean of e x,  b <- b + η mean of e
        errors = t - self.score(x)
        self.weights += self.learning_rate * (errors @ x) / len(x)
        self.bias += self.learning_rate * errors.mean()
        # end exercise
        return errors

    def remember(self, bowl: LeastSquares) -> None:
        """Note the bowl of the training data, and how long a step it allows."""
        self.optimum.copy_(bowl.optimum)
        self.correlation.copy_(bowl.correlation)
        self.minimum.fill_(bowl.minimum)
        if self.config.rate_unit == "stability_limit":
            self.learning_rate = self.config.learning_rate * bowl.rate_limit

    def misadjustment(self) -> float:
        """How far above its minimum the squared error stays if every example makes its own correction, relatively."""
        # exercise misadjustment: equation (9), from self.learning_rate and the trace of self.correlation
        # (9)  M = η tr R / (2 - η tr R)
        step = self.learning_rate * float(self.correlation.trace())
        return step / (2 - step)
        # end exercise

    # What the engine asks for ----------------------------------------------------------------------------------------

    def training_step(self, batch: Batch, optimizers: dict[str, Optimizer]) -> dict[str, Tensor]:
        """Learn from a batch.

        Returns:
            `loss` of equation (4) and `squared_error`, twice that; both before the correction. For a batch of one also
            `misadjustment_ratio`: by how much the error exceeds its minimum, relative to what equation (9) expects.
        """
        inputs, targets = batch
        found = losses(self.learn(inputs.flatten(1).double(), numbers(targets)))
        if len(inputs) == 1 and self.minimum > 0:
            found["misadjustment_ratio"] = (found["squared_error"] / self.minimum - 1) / self.misadjustment()
        return found

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Answer a batch and learn nothing.

        Returns:
            `predictions` (classes, or numbers as the targets are) and `targets`; `loss` and `squared_error`.
        """
        inputs, targets = batch
        scores = self.score(inputs.flatten(1).double())
        answers = (scores > THRESHOLD if self.classes else scores.reshape(targets.shape)).to(targets.dtype)
        return {"predictions": answers, "targets": targets, **losses(numbers(targets) - scores)}

    def measures(self) -> dict[str, float]:
        """The state in numbers: logged at each evaluation as `model/<name>`."""
        off = torch.cat([self.weights, self.bias[None]]) - self.optimum
        described = {
            "distance_to_optimum": float(off.norm()),
            "excess_error": float(off @ self.correlation @ off),  # (6)  the squared error above its minimum
            "minimum_error": float(self.minimum),
            "learning_rate": self.learning_rate,
        }
        if len(self.weights) <= 2:  # a line that can be drawn
            described |= {f"weight_{i}": float(w) for i, w in enumerate(self.weights)} | {"bias": float(self.bias)}
        return described

    def plot_data(self) -> dict[str, object]:
        """What the plots may draw besides data and history."""
        bowl = LeastSquares(self.correlation.cpu(), self.optimum.cpu(), float(self.minimum))
        boundary = float(self.bias) - THRESHOLD  # where the score is the threshold, w·x + boundary is zero
        weights = self.weights.detach().cpu().numpy()
        drawn: dict[str, object] = {"weights": weights, "bias": boundary, "undecided": UNDECIDED}
        drawn |= {"optimum": bowl.optimum.numpy(), "correlation": bowl.correlation.numpy(), "minimum": bowl.minimum}
        if self.config.stability_curves is not None:
            rates = torch.tensor(self.config.stability_curves.rates, dtype=torch.float64)
            walked = distances(bowl, rates * bowl.rate_limit, self.config.stability_curves.steps)
            drawn |= {"relative_rates": rates.numpy(), "distances": walked.numpy()}
        return drawn


def numbers(targets: Shaped[Tensor, "batch *output"]) -> Float[Tensor, " batch"]:
    """Targets as the numbers to learn: classes 0 and 1 as they are, a column of numbers without its second axis."""
    return targets.reshape(len(targets)).double()


def losses(errors: Float[Tensor, " batch"]) -> dict[str, Tensor]:
    """The loss whose negative gradient is the delta rule, and the mean squared error that one quotes."""
    # exercise loss: the loss of equation (4), from the errors
    # (4)  L = mean of e² / 2
    loss = errors.square().mean() / 2
    # end exercise
    return {"loss": loss, "squared_error": 2 * loss}


def build(config: ExperimentConfig[ModelConfig], data: Counts) -> Adaline:
    """The unit for a data set, of two classes or of numbers."""
    return Adaline(config.model, data.n_features, classes=data.n_classes > 0)
