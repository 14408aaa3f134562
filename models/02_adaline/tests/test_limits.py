"""What the delta rule can and cannot do, on the smallest examples."""

import numpy as np
import torch

import plotting
from config import ModelConfig
from least_squares import least_squares
from model import Adaline

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = torch.tensor([0, 1, 1, 0])


def test_the_least_squared_error_on_xor_is_a_quarter() -> None:
    bowl = least_squares(POINTS, XOR.float())
    assert abs(bowl.minimum - 0.25) < 1e-12
    assert bowl.rate_limit == 2 / float(torch.linalg.eigvalsh(bowl.correlation).max())


def test_on_xor_nothing_is_left_of_w_that_could_be_drawn() -> None:
    model = Adaline(ModelConfig(learning_rate=0.5, rate_unit="stability_limit", stability_curves=None), 2, classes=True)
    model.remember(least_squares(POINTS, XOR.float()))
    for _ in range(200):
        model.training_step((POINTS, XOR), {})
    points = {"inputs": POINTS.numpy(), "targets": XOR.numpy(), "class_names": ("0", "1"), "feature_names": ("a", "b")}
    guess = {"subject": "xor", "predict": lambda inputs: np.zeros(len(inputs), dtype=int)}
    figure = plotting.render("decision_boundary", points | guess | model.plot_data())
    assert "w = 0 gives no line" in figure.get_suptitle()


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
