"""A small network that learns by gradient descent: just enough of a model to run through the engine."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from config import ModelConfig
from data_utils.description import Counts
from engine.config import ExperimentConfig

Batch = tuple[Tensor, Tensor]


class Network(nn.Module):
    """One hidden layer with dropout.

    Args:
        config: Its size.
        n_features: Numbers in one example.
        n_classes: Classes to tell apart.
    """

    def __init__(self, config: ModelConfig, n_features: int, n_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, config.hidden),
            nn.Tanh(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, n_classes),
        )

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        """The loss, and the part of the weights in it, as a component to log."""
        inputs, targets = batch
        return {
            "loss": cross_entropy(self.layers(inputs), targets),
            "weight": sum(p.detach().square().sum() for p in self.parameters()),
        }

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Classes and the loss."""
        inputs, targets = batch
        scores = self.layers(inputs)
        return {"predictions": scores.argmax(dim=1), "targets": targets, "loss": cross_entropy(scores, targets)}

    def measures(self) -> dict[str, float]:
        """The size of the weights."""
        return {"weight_norm": float(sum(p.detach().square().sum() for p in self.parameters())) ** 0.5}


def build(config: ExperimentConfig[ModelConfig], data: Counts) -> Network:
    """The network for a data set."""
    return Network(config.model, data.n_features, data.n_classes)
