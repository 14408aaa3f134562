"""What the network can and cannot do, on the smallest examples."""

import pytest
import torch

from config import ModelConfig
from model import Network, random_weights

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = torch.tensor([0, 1, 1, 0])


def trained(hidden: int, seed: int) -> Network:
    """A network that was shown the four points of XOR two hundred times."""
    torch.manual_seed(seed)
    model = Network(ModelConfig(hidden=hidden), n_features=2, n_classes=2)
    descent = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(200):
        descent.zero_grad()
        model.training_step((POINTS, XOR))["loss"].backward()
        descent.step()
    return model


def right(model: Network) -> int:
    answered = model.evaluation_step((POINTS, XOR))
    return int((answered["predictions"] == answered["targets"]).sum())


@pytest.mark.parametrize("seed", range(3))
def test_a_hidden_layer_learns_xor(seed: int) -> None:
    assert right(trained(8, seed)) == 4


@pytest.mark.parametrize("seed", range(3))
def test_one_hidden_unit_parts_the_points_by_a_line_and_so_cannot_learn_xor(seed: int) -> None:
    assert right(trained(1, seed)) <= 3


def test_the_sums_of_a_wide_layer_are_no_larger_than_those_of_a_narrow_one() -> None:
    torch.manual_seed(0)
    spreads = [float((torch.randn(50, n) @ random_weights(200, n).T).std()) for n in (4, 400)]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.2)


def test_images_and_words_are_flattened() -> None:
    model = Network(ModelConfig(hidden=3), n_features=12, n_classes=2)
    inputs, targets = torch.rand(5, 3, 2, 2), torch.zeros(5, dtype=torch.int64)
    flat, shaped = (model.evaluation_step((x, targets))["loss"] for x in (inputs.flatten(1), inputs))
    assert flat == shaped


def test_the_norm_of_all_weights_is_measured() -> None:
    model = Network(ModelConfig(hidden=1), n_features=1, n_classes=2).requires_grad_(False)
    for weights in model.parameters():
        weights.fill_(2.0)
    assert model.measures() == {"weight_norm": (6 * 4.0) ** 0.5}
