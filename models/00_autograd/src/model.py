"""A network that learns on the tape: tape.py and operations.py are this chapter's idea, this is its first user.

- The parameters are torch's, so that the engine can save and restore them; the tape works on the same memory, seen as
  NumPy arrays. Nothing else of torch is used: no autograd, no optimizer.
- `training_step` is the whole of learning: write the tape, go back over it, step downhill.
- Where the config asks for it, each evaluation holds the tape against the closed form and against torch.

Equation numbers are those of docs/deep_dive.md.
"""

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.optim import Optimizer

from comparison import costs, costs_by_depth, largest_difference
from config import ModelConfig
from data_utils.description import Counts
from data_utils.splits import Splits
from engine.config import ExperimentConfig
from gradient_check import errors_by_operation
from graph import graph_of
from networks import cross_entropy, tape_scores
from tape import Variable
from utils.errors import InputError

Batch = tuple[Float[Tensor, "batch *shape"], Int[Tensor, " batch"]]


class TapeNetwork(nn.Module):
    """Layers of weighted sums with tanh between them, learned on the tape.

    Args:
        config: Its sizes and learning rate.
        n_features: Numbers in one example; images are flattened.
        n_classes: Classes to tell apart.
    """

    automatic_optimization = False  # `training_step` makes the update; the engine only hands over batches

    def __init__(self, config: ModelConfig, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.config = config
        sizes = [n_features, *config.hidden, n_classes]
        self.layers = nn.ParameterList()
        for inputs, outputs in pairwise(sizes):
            weights = torch.randn(inputs, outputs, dtype=torch.float64) / inputs**0.5
            for parameter in (weights, torch.zeros(outputs, dtype=torch.float64)):
                self.layers.append(nn.Parameter(parameter, requires_grad=False))
        self.probe: tuple[np.ndarray, np.ndarray] | None = None

    def arrays(self) -> list[np.ndarray]:
        """W_1, b_1, W_2, b_2, …: the parameters' own memory.

        Raises:
            InputError: They are on a GPU, where NumPy does not reach.
        """
        if not all(parameter.is_cpu for parameter in self.layers):
            raise InputError("the tape is NumPy, which computes on the CPU: use hardware=cpu")
        return [parameter.numpy() for parameter in self.layers]

    def compare_on(self, inputs: Float[Tensor, "n *shape"], targets: Int[Tensor, " n"]) -> None:
        """Take the batch for the comparison from these examples, where the config asks for one."""
        if self.config.comparison is not None:
            n = self.config.comparison.examples
            self.probe = inputs[:n].flatten(1).double().numpy(), targets[:n].numpy()

    # What the engine asks for ----------------------------------------------------------------------------------------

    def training_step(self, batch: Batch, optimizers: dict[str, Optimizer]) -> dict[str, Tensor]:
        """Learn from a batch.

        Returns:
            `loss`, the cross-entropy of equation (11), before the correction.
        """
        inputs, targets = batch
        leaves, _, loss = self._written(inputs, targets)
        loss.backward()
        for leaf in leaves:
            # exercise descent: equation (6), in place, so that the parameters themselves change
            # (6)  θ <- θ - η θ̄
            assert leaf.gradient is not None
            leaf.data -= self.config.learning_rate * leaf.gradient
            # end exercise
        return {"loss": torch.tensor(float(loss.data))}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Classify a batch and learn nothing.

        Returns:
            `predictions`, the classes with the largest score, and `targets`; `loss`.
        """
        inputs, targets = batch
        _, scores, loss = self._written(inputs, targets)
        return {
            "predictions": torch.from_numpy(scores.data.argmax(axis=1)).to(targets.dtype),
            "targets": targets,
            "loss": torch.tensor(float(loss.data)),
        }

    def measures(self) -> dict[str, float]:
        """How the tape compares with the closed form and with torch: logged at each evaluation as `model/<name>`."""
        if self.probe is None or self.config.comparison is None:
            return {}
        parameters = self.arrays()
        compared = costs(parameters, *self.probe, self.config.comparison.repeats)
        return {"largest_difference": largest_difference(parameters, *self.probe), **compared}

    def plot_data(self) -> dict[str, object]:
        """What the plots may draw besides data and history: the tape of this network, the gradient check, the costs."""
        example = torch.zeros(1, len(self.layers[0])), torch.zeros(1, dtype=torch.int64)
        nodes, edges = graph_of(self._written(*example)[2])
        drawn: dict[str, object] = {"nodes": nodes, "edges": edges, "errors": errors_by_operation()}
        if self.probe is not None and self.config.comparison is not None:
            compared = self.config.comparison
            drawn |= costs_by_depth(*self.probe, self.config.hidden[0], compared.depths, compared.repeats)
        return drawn

    def _written(
        self, inputs: Float[Tensor, "batch *shape"], targets: Int[Tensor, " batch"]
    ) -> tuple[list[Variable], Variable, Variable]:
        """The tape of a batch: its leaves, the scores and the loss."""
        leaves = [Variable(array) for array in self.arrays()]
        scores = tape_scores(leaves, inputs.flatten(1).double().numpy())
        return leaves, scores, cross_entropy(scores, targets.numpy())


def build(config: ExperimentConfig[ModelConfig], data: Counts) -> TapeNetwork:
    """The network for a data set; with the examples at hand, also the batch that the config asks to compare on."""
    network = TapeNetwork(config.model, data.n_features, data.n_classes)
    if isinstance(data, Splits):  # a description has no examples to compare on
        network.compare_on(data.train.inputs, data.train.targets)
    return network
