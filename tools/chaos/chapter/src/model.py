"""The models: each learns in another way."""

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import Dataset

from config import ModelConfig
from data_utils.splits import TensorSplit

Batch = tuple[Tensor, Tensor]


class Network(nn.Module):
    """One hidden layer with dropout, for two classes; learns by gradient descent.

    Args:
        config: Its size.
        n_features: Numbers in one example.
    """

    def __init__(self, config: ModelConfig, n_features: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_features, config.hidden), nn.Tanh(), nn.Dropout(config.dropout), nn.Linear(config.hidden, 2)
        )

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        """The loss."""
        inputs, targets = batch
        return {"loss": cross_entropy(self.layers(inputs), targets)}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Classes and the loss."""
        inputs, targets = batch
        scores = self.layers(inputs)
        return {"predictions": scores.argmax(dim=1), "targets": targets, "loss": cross_entropy(scores, targets)}


class Rule(nn.Module):
    """Adds each example that is on the wrong side, by a random part: it draws, and has no optimizer.

    Args:
        n_features: Numbers in one example.
    """

    automatic_optimization = False
    weights: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(n_features))

    def training_step(self, batch: Batch, optimizers: dict[str, torch.optim.Optimizer]) -> dict[str, Tensor]:
        """Correct the weights; returns the fraction of examples that they were corrected on."""
        inputs, targets = batch
        signs = 2.0 * targets - 1
        wrong = (inputs @ self.weights) * signs <= 0
        self.weights += torch.rand(()) * (inputs * (signs * wrong)[:, None]).sum(dim=0)
        return {"loss": wrong.float().mean()}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Classes."""
        inputs, targets = batch
        return {"predictions": (inputs @ self.weights > 0).long(), "targets": targets}


class Duel(nn.Module):
    """Two networks, each with an optimizer of its own; the second learns to repeat the first.

    Args:
        config: Their size.
        n_features: Numbers in one example.
    """

    automatic_optimization = False

    def __init__(self, config: ModelConfig, n_features: int) -> None:
        super().__init__()
        self.first, self.second = Network(config, n_features), Network(config, n_features)

    def training_step(self, batch: Batch, optimizers: dict[str, torch.optim.Optimizer]) -> dict[str, Tensor]:
        """Both losses, after a step of each."""
        inputs, _ = batch
        loss = self.first.training_step(batch)["loss"]
        gap = (self.second.layers(inputs) - self.first.layers(inputs).detach()).square().mean()
        for name, value in (("first", loss), ("second", gap)):
            optimizers[name].zero_grad()
            value.backward()
            optimizers[name].step()
        return {"loss": loss, "gap": gap}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """What the second says."""
        return self.second.evaluation_step(batch)


class Jittered(Dataset[Batch]):
    """Examples read one by one, each with noise on its input."""

    def __init__(self, split: TensorSplit, deviation: float) -> None:
        self.split, self.deviation = split, deviation

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> Batch:
        inputs, target = self.split[index]
        return inputs + self.deviation * torch.randn(inputs.shape), target


def build(config: ModelConfig, n_features: int) -> nn.Module:
    """The model that the config names."""
    if config.kind == "rule":
        return Rule(n_features)
    return Duel(config, n_features) if config.kind == "duel" else Network(config, n_features)
