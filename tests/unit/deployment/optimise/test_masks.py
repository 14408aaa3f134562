"""Which weights are pruned, and that they stay pruned."""

import pytest
import torch
from torch import Tensor, nn

from deployment.optimise.masks import MaskedStepper, apply_masks, magnitude_masks, pruned_count
from deployment.optimise.settings import read_settings
from engine.loop.stepper import StepOutputs, Steps
from utils.errors import InputError


class Two(nn.Module):
    """Two tensors of weights, one of them not for gradients, and a whole number that is no weight."""

    def __init__(self, first: list[float], second: list[float]) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.tensor(first))
        self.second: Tensor = nn.Parameter(torch.tensor(second), requires_grad=False)
        self.counted: Tensor = nn.Parameter(torch.tensor([3]), requires_grad=False)


def kept(model: nn.Module, sparsity: float) -> dict[str, list[bool]]:
    return {name: mask.tolist() for name, mask in magnitude_masks(model, sparsity).items()}


def test_the_smallest_go_wherever_they_are() -> None:
    model = Two([0.1, -5.0, 0.3], [-0.2, 4.0, 3.0])
    assert kept(model, 0.5) == {"first": [False, True, False], "second": [False, True, True]}


def test_of_equal_weights_exactly_as_many_go_as_are_asked_for() -> None:
    model = Two([1.0] * 5, [-1.0] * 5)
    for sparsity in (0.0, 0.1, 0.5, 0.7, 0.9):
        assert sum(not keep for mask in kept(model, sparsity).values() for keep in mask) == round(10 * sparsity)


def test_what_is_no_floating_number_is_left_alone() -> None:
    model = Two([0.1, 0.2], [0.3, 0.4])
    apply_masks(model, magnitude_masks(model, 0.75))
    assert (model.first.tolist(), model.counted.tolist()) == ([0.0, 0.0], [3])


def test_a_model_without_weights_is_refused() -> None:
    with pytest.raises(InputError, match="no parameters"):
        pruned_count(nn.Tanh(), 0.5)


def test_what_a_step_grows_back_is_pruned_again() -> None:
    model = Two([0.1, -5.0], [3.0, 0.2])
    masks = magnitude_masks(model, 0.5)

    def grow(steps: Steps, step: int) -> StepOutputs:
        with torch.no_grad():
            model.first += 1
            model.second += 1
        return []

    MaskedStepper(grow, model, masks)(iter([]), 0)
    assert (model.first.tolist(), model.second.tolist()) == ([0.0, -4.0], [4.0, 0.0])


def test_the_settings_are_what_they_should_be() -> None:
    settings = read_settings()
    assert settings.sparsities[0] == 0.0
    assert settings.batches == (1, 64)
