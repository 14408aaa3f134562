"""Parity: scores, loss, gradients and ten steps of training, with the same network made of torch's own layers."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from config import ModelConfig
from model import Network, cross_entropy
from tests.support.agreement import agree

TORCH = "torch.nn"


def pair(seed: int) -> tuple[Network, nn.Sequential]:
    """A network of ours and one of torch's layers, in double precision and with the same weights."""
    torch.manual_seed(seed)
    ours = Network(ModelConfig(hidden=4), n_features=3, n_classes=5).double()
    theirs = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 5)).double()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        nn.init.normal_(other)
        mine.data.copy_(other)
    return ours, theirs


def batch(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(7, 3, generator=generator, dtype=torch.float64)
    return inputs, torch.randint(5, (7,), generator=generator)


@pytest.mark.parametrize("seed", range(3))
def test_scores_loss_and_gradients_are_those_of_torch(seed: int) -> None:
    (ours, theirs), (inputs, targets) = pair(seed), batch(seed)
    agree("the scores", ours.score(inputs), theirs(inputs), tolerance=1e-12, equation="(2)", against=TORCH)
    loss = functional.cross_entropy(theirs(inputs), targets)
    mine = ours.training_step((inputs, targets))["loss"]
    agree("the loss", mine, loss, tolerance=1e-12, equation="(3)", against=TORCH)
    mine.backward()
    loss.backward()
    for weights, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        agree("the gradients", weights.grad, other.grad, tolerance=1e-12, against=TORCH)


def test_ten_steps_of_training_end_at_the_weights_of_torch() -> None:
    (ours, theirs), (inputs, targets) = pair(3), batch(3)
    descents = [torch.optim.SGD(network.parameters(), lr=0.5) for network in (ours, theirs)]
    for _ in range(10):
        losses = cross_entropy(ours.score(inputs), targets), functional.cross_entropy(theirs(inputs), targets)
        for loss, descent in zip(losses, descents, strict=True):
            descent.zero_grad()
            loss.backward()
            descent.step()
    for weights, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        agree("the weights after ten steps", weights, other, tolerance=1e-10, against=TORCH)


def test_the_gradient_of_the_loss_is_that_of_central_differences() -> None:
    there, targets, h = batch(4)[0][:2], torch.tensor([2, 1]), 1e-6
    scores = there.clone().requires_grad_()
    cross_entropy(scores, targets).backward()
    wanted = torch.zeros_like(there)
    for place in range(there.numel()):
        step = h * functional.one_hot(torch.tensor(place), there.numel()).double().reshape(there.shape)
        wanted.view(-1)[place] = (cross_entropy(there + step, targets) - cross_entropy(there - step, targets)) / (2 * h)
    agree("the gradient by the scores", scores.grad, wanted, tolerance=1e-8, against="central differences")
