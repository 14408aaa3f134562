"""The hand-written parts, each on numbers that can be worked out on paper."""

import math

import torch

from config import ModelConfig
from model import Network, cross_entropy
from tests.support.agreement import agree


def network() -> Network:
    """Two inputs, two hidden units, two classes; its hidden biases are 1 and 0, those of the output 0.5 and 0."""
    model = Network(ModelConfig(hidden=2), n_features=2, n_classes=2).requires_grad_(False)
    model.hidden_weights.copy_(torch.tensor([[1.0, -1.0], [0.0, 2.0]]))
    model.hidden_bias.copy_(torch.tensor([1.0, 0.0]))
    model.output_weights.copy_(torch.tensor([[1.0, 0.0], [1.0, -1.0]]))
    model.output_bias.copy_(torch.tensor([0.5, 0.0]))
    return model


def test_the_scores_are_two_weighted_sums_with_a_tanh_between() -> None:
    scores = network().score(torch.tensor([[2.0, 1.0]]))  # h = tanh(2 - 1 + 1), tanh(2)
    agree("the scores", scores, [[math.tanh(2) + 0.5, 0.0]], tolerance=1e-6, equation="(2)")


def test_each_example_of_a_batch_has_its_own_scores() -> None:
    scores = network().score(torch.tensor([[0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]]))
    wanted = [[0.5, -math.tanh(2)], [0.5, 0.0], [math.tanh(1) + 0.5, math.tanh(1)]]
    agree("the scores", scores, wanted, tolerance=1e-6, equation="(2)")


def test_equal_scores_cost_the_logarithm_of_the_number_of_classes() -> None:
    loss = cross_entropy(torch.full((1, 4), 7.0), torch.tensor([2]))
    agree("the loss", loss, math.log(4), tolerance=1e-6, equation="(3)")


def test_the_loss_is_the_mean_over_the_batch() -> None:
    scores = torch.tensor([[0.0, 0.0], [0.0, math.log(3)]])  # the right classes have chances 1/2 and 3/4
    loss = cross_entropy(scores, torch.tensor([0, 1]))
    agree("the loss", loss, (math.log(2) + math.log(4 / 3)) / 2, tolerance=1e-6, equation="(3)")
