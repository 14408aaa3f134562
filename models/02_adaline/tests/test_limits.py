"""What the delta rule can and cannot do, on the smallest examples."""

import torch

from config import ModelConfig
from least_squares import least_squares
from model import Adaline

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = torch.tensor([0, 1, 1, 0])


def test_the_least_squared_error_on_xor_is_a_quarter() -> None:
    bowl = least_squares(POINTS, XOR.float())
    assert abs(bowl.minimum - 0.25) < 1e-12
    assert bowl.rate_limit == 2 / float(torch.linalg.eigvalsh(bowl.correlation).max())


def test_a_point_far_out_on_its_right_side_can_cost_another_its_class() -> None:
    x = torch.tensor([[-1.0], [-0.5], [0.5], [30.0]])
    targets = torch.tensor([0, 0, 1, 1])
    model = Adaline(ModelConfig(learning_rate=0.9, rate_unit="stability_limit", stability_curves=None), 1, classes=True)
    model.remember(least_squares(x, targets.float()))
    for _ in range(2000):
        model.training_step((x, targets), {})
    assert model.measures()["distance_to_optimum"] < 1e-4
    assert model.evaluation_step((x, targets))["predictions"].tolist() == [0, 0, 0, 1]


def test_a_class_is_one_above_the_threshold_of_one_half() -> None:
    model = Adaline(ModelConfig(learning_rate=1.0, rate_unit="absolute", stability_curves=None), 1, classes=True)
    model.weights.fill_(1.0)
    inputs = torch.tensor([[-1.0], [0.4], [0.5], [0.6]])
    answered = model.evaluation_step((inputs, torch.tensor([0, 0, 0, 1])))
    assert answered["predictions"].tolist() == [0, 0, 0, 1]


def test_numbers_are_answered_with_numbers_of_their_shape() -> None:
    model = Adaline(ModelConfig(learning_rate=1.0, rate_unit="absolute", stability_curves=None), 1, classes=False)
    model.weights.fill_(2.0)
    answered = model.evaluation_step((torch.tensor([[1.0], [2.0]]), torch.tensor([[1.0], [4.0]])))
    assert answered["predictions"].tolist() == [[2.0], [4.0]]
    assert float(answered["squared_error"]) == 0.5
