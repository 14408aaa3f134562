"""The work that every trainer is given: data, model, loss, optimizer, and the clock that times it.

The clock sits in the model's `forward`, so that it is the same for every trainer whatever its hooks cost.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass
class Probe:
    """Reads the clock at the first forward pass of every epoch of `steps_per_epoch` steps."""

    steps_per_epoch: int
    steps: int = 0
    times: list[float] = field(default_factory=list)

    def __call__(self) -> None:
        """Count a forward pass."""
        if self.steps % self.steps_per_epoch == 0:
            self.times.append(time.perf_counter())
        self.steps += 1

    def epoch(self) -> None:
        """Count the forward passes of an epoch that begins, for a trainer that compiles a network without the clock."""
        self.times.append(time.perf_counter())
        self.steps += self.steps_per_epoch

    def reset(self) -> None:
        """Begin anew, for a trainer that tries the network before it trains."""
        self.steps, self.times = 0, []

    def microseconds(self, warmup: int) -> list[float]:
        """Per step, for every whole epoch but the first `warmup`."""
        kept = self.times[warmup:]
        return [(end - start) / self.steps_per_epoch * 1e6 for start, end in pairwise(kept)]


class Task(NamedTuple):
    """One size of problem."""

    name: str
    batch: int
    epochs: int
    optimizer: str
    """sgd or adam."""
    lr: float
    momentum: float
    data: Callable[[Path], tuple[Tensor, Tensor]]
    """Gets the folder with the digits in it."""
    network: Callable[[], nn.Module]
    criterion: Callable[[], nn.Module]

    def steps_per_epoch(self, n: int) -> int:
        """Steps in an epoch of `n` examples, the last one whatever is left."""
        return -(-n // self.batch)


class Probed(nn.Module):
    """A network that reports each forward pass."""

    def __init__(self, layers: nn.Module, probe: Callable[[], None]) -> None:
        super().__init__()
        self.layers, self.probe = layers, probe

    def forward(self, inputs: Tensor) -> Tensor:
        """The network's output."""
        self.probe()
        return self.layers(inputs)  # type: ignore[no-any-return]


class Block(nn.Module):
    """A layer of a transformer with causal attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, time, width] to the same."""
        parts = self.qkv(self.before_attention(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(*parts.unbind(), is_causal=True)
        x = x + self.project(attended.transpose(1, 2).flatten(2))
        return x + self.mlp(self.before_mlp(x))


class Gpt(nn.Module):
    """Two layers of width 128 over 256 tokens, 64 at a time."""

    def __init__(self, tokens: int = 256, width: int = 128, length: int = 64) -> None:
        super().__init__()
        self.token, self.position = nn.Embedding(tokens, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads=4) for _ in range(2)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, tokens, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """Scores of the next token at each place, [batch, tokens, time] as the loss wants them."""
        return self.head(self.norm(self.blocks(self.token(tokens) + self.position.weight))).transpose(1, 2)


def lenet() -> nn.Module:
    """A network the size of LeNet-5, for images of 28 x 28."""
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def _signs(_: Path) -> tuple[Tensor, Tensor]:
    inputs = torch.randn(200, 2, generator=_generator())
    return inputs, (inputs.prod(dim=1, keepdim=True) > 0).float()


def _digits(folder: Path) -> tuple[Tensor, Tensor]:
    content = np.load(folder / "digits.npz")
    return torch.from_numpy(content["inputs"]), torch.from_numpy(content["targets"])


def _images(_: Path) -> tuple[Tensor, Tensor]:
    return torch.randn(1024, 1, 28, 28, generator=_generator()), torch.randint(10, (1024,), generator=_generator())


def _text(_: Path) -> tuple[Tensor, Tensor]:
    tokens = torch.randint(256, (128, 65), generator=_generator())
    return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


TASKS = {
    task.name: task
    for task in (
        Task(
            name="i",
            batch=4,
            epochs=40,
            optimizer="sgd",
            lr=0.1,
            momentum=0.0,
            data=_signs,
            network=lambda: nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)),
            criterion=nn.BCEWithLogitsLoss,
        ),
        Task(
            name="ii",
            batch=32,
            epochs=30,
            optimizer="adam",
            lr=1e-3,
            momentum=0.0,
            data=_digits,
            network=lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
            criterion=nn.CrossEntropyLoss,
        ),
        Task(
            name="iii",
            batch=64,
            epochs=24,
            optimizer="sgd",
            lr=0.01,
            momentum=0.9,
            data=_images,
            network=lenet,
            criterion=nn.CrossEntropyLoss,
        ),
        Task(
            name="iv",
            batch=8,
            epochs=12,
            optimizer="adam",
            lr=1e-3,
            momentum=0.0,
            data=_text,
            network=Gpt,
            criterion=nn.CrossEntropyLoss,
        ),
    )
}


@dataclass
class Work:
    """A task made ready: what a trainer needs, whoever wrote it."""

    task: Task
    inputs: Tensor
    targets: Tensor
    network: nn.Module
    criterion: nn.Module
    epochs: int
    probe: Probe

    @classmethod
    def of(cls, task: Task, folder: Path, epochs: int) -> "Work":
        """`task` with new weights, always the same ones."""
        inputs, targets = task.data(folder)
        probe = Probe(task.steps_per_epoch(len(inputs)))
        torch.manual_seed(1)
        return cls(task, inputs, targets, Probed(task.network(), probe), task.criterion(), epochs, probe)

    def optimizer(self, **options: bool) -> torch.optim.Optimizer:
        """The task's optimizer, as torch makes it unless `options` say otherwise."""
        return self.optimizer_class(self.network.parameters(), **self.optimizer_settings, **options)

    @property
    def optimizer_class(self) -> type[torch.optim.Optimizer]:
        """SGD or Adam."""
        return {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[self.task.optimizer]

    @property
    def optimizer_settings(self) -> dict[str, float]:
        """Its settings."""
        momentum = {"momentum": self.task.momentum} if self.task.optimizer == "sgd" else {}
        return {"lr": self.task.lr, **momentum}

    def dataset(self) -> torch.utils.data.TensorDataset:
        """The examples as torch's data set."""
        return torch.utils.data.TensorDataset(self.inputs, self.targets)

    def loader(self) -> torch.utils.data.DataLoader[tuple[Tensor, ...]]:
        """The examples as they are usually read."""
        return torch.utils.data.DataLoader(self.dataset(), batch_size=self.task.batch, shuffle=True)

    def loss(self) -> float:
        """Over all examples, with the weights as they are."""
        with torch.no_grad():
            return float(self.criterion(self.network.layers(self.inputs), self.targets))
