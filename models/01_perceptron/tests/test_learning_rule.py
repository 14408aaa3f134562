"""Rosenblatt's rule: by hand, against its definition, and independent of everything that must not matter."""

import pytest
import torch
from torch import Tensor

from config import ModelConfig
from model import Perceptron, criterion, signs_of
from tests.support.agreement import agree

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
OR = torch.tensor([0, 1, 1, 1])
XOR = torch.tensor([0, 1, 1, 0])


def perceptron(n_features: int = 2, learning_rate: float = 1.0) -> Perceptron:
    return Perceptron(ModelConfig(learning_rate=learning_rate, margin_iterations=0), n_features)


def noisy_examples(n: int, features: int, seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n, features, generator=generator)
    noise = torch.randn(n, generator=generator)
    return inputs, (inputs[:, 0] + 0.5 * noise > 0).long()


def state(model: Perceptron) -> list[float]:
    return [*model.weights.tolist(), float(model.bias)]


def test_it_has_one_number_for_each_feature_and_a_bias() -> None:
    assert sum(parameter.numel() for parameter in perceptron(4).parameters()) == 4 + 1
    assert sum(parameter.numel() for parameter in perceptron(784).parameters()) == 785


def test_nothing_is_differentiated() -> None:
    assert not any(parameter.requires_grad for parameter in perceptron().parameters())


def test_a_batch_of_images_gives_a_score_and_a_class_for_each() -> None:
    images, targets = torch.rand(5, 1, 28, 28), torch.tensor([0, 1, 0, 1, 1])
    model = perceptron(784)
    learned = model.training_step((images, targets), {})
    evaluated = model.evaluation_step((images, targets))
    assert learned["loss"].shape == learned["mistakes"].shape == evaluated["loss"].shape == ()
    assert evaluated["predictions"].shape == evaluated["targets"].shape == (5,)
    assert set(evaluated["predictions"].tolist()) <= {0, 1}


# The first table of section 5 of docs/deep_dive.md: w_1, w_2 and b after each example of OR.
OR_BY_HAND = [
    [(0, 0, -1), (0, 1, 0), (1, 1, 1), (1, 1, 1)],
    [(1, 1, 0), (1, 1, 0), (1, 1, 0), (1, 1, 0)],
    [(1, 1, -1), (1, 2, 0), (1, 2, 0), (1, 2, 0)],
    [(1, 2, -1), (1, 2, -1), (2, 2, 0), (2, 2, 0)],
    [(2, 2, -1), (2, 2, -1), (2, 2, -1), (2, 2, -1)],
    [(2, 2, -1), (2, 2, -1), (2, 2, -1), (2, 2, -1)],
]


def test_or_is_learned_as_in_the_table_worked_by_hand() -> None:
    model = perceptron()
    for epoch in OR_BY_HAND:
        for point, target, expected in zip(POINTS, OR, epoch, strict=True):
            model.training_step((point[None], target[None]), {})
            assert state(model) == list(expected)
    assert int(model.mistakes) == 9


def test_xor_in_a_fixed_order_comes_back_to_where_it_started() -> None:
    model = perceptron()
    for epoch in range(1, 4):
        outputs = model.training_step((POINTS, XOR), {})
        assert state(model) == [0, 0, 0]
        assert float(outputs["mistakes"]) == 1.0
        assert int(model.mistakes) == 4 * epoch


def test_a_correct_answer_changes_nothing() -> None:
    model = perceptron()
    model.weights.copy_(torch.tensor([2.0, 2.0]))
    model.bias.fill_(-1.0)
    model.training_step((POINTS, OR), {})
    assert state(model) == [2, 2, -1]
    assert int(model.mistakes) == 0


def test_a_score_of_zero_is_a_mistake_for_either_class() -> None:
    for target, sign in ((0, -1.0), (1, 1.0)):
        model = perceptron()
        model.training_step((torch.tensor([[3.0, 5.0]]), torch.tensor([target])), {})
        assert state(model) == [3 * sign, 5 * sign, sign]


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_the_batch_size_changes_nothing(batch_size: int) -> None:
    inputs, targets = noisy_examples(100, 5, seed=0)
    reference, model = perceptron(5), perceptron(5)
    for x, t in zip(inputs, targets, strict=True):
        reference.training_step((x[None], t[None]), {})
    for batch in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
        model.training_step(batch, {})
    assert torch.equal(model.weights, reference.weights)
    assert torch.equal(model.bias, reference.bias)
    assert int(model.mistakes) == int(reference.mistakes) > 0


def test_the_learning_rate_scales_the_weights_and_changes_no_decision() -> None:
    inputs, targets = noisy_examples(200, 3, seed=1)
    one, quarter = perceptron(3), perceptron(3, learning_rate=0.25)
    for model in (one, quarter):
        model.training_step((inputs, targets), {})
    assert torch.equal(quarter.weights, 0.25 * one.weights)  # a power of two, so exactly
    assert int(quarter.mistakes) == int(one.mistakes)


def test_the_measures_of_a_step_are_those_of_the_scores_as_they_were_met() -> None:
    outputs = perceptron().training_step((POINTS, XOR), {})  # scores 0, -1, 0, 3 for signs -1, 1, 1, -1
    assert float(outputs["loss"]) == (0 + 1 + 0 + 3) / 4


def test_the_update_is_a_step_down_the_criterion() -> None:
    """Gradient oracle: -η times the subgradient of max(0, -t·s), by central differences in float64."""
    generator = torch.Generator().manual_seed(2)
    rate, h, mistakes = 0.3, 1e-6, 0
    for _ in range(30):
        start = torch.randn(5, dtype=torch.float64, generator=generator)  # four weights and the bias
        x = torch.randn(4, dtype=torch.float64, generator=generator)
        target = torch.randint(2, (1,), generator=generator)

        def loss(w: Tensor, x: Tensor = x, target: Tensor = target) -> Tensor:
            return criterion((x @ w[:4] + w[4])[None], signs_of(target, w.dtype))

        steps = h * torch.eye(5, dtype=torch.float64)
        gradient = torch.stack([(loss(start + step) - loss(start - step)) / (2 * h) for step in steps])

        model = perceptron(4, rate).double()
        model.weights.copy_(start[:4])
        model.bias.copy_(start[4])
        model.training_step((x[None], target), {})
        moved = torch.cat([model.weights, model.bias[None]]) - start
        against = "central differences of the criterion"
        agree("the correction of one example", moved, -rate * gradient, tolerance=1e-8, against=against, equation="(4)")
        mistakes += int(model.mistakes)
    assert 5 < mistakes < 25  # both branches of the rule were seen


def test_it_is_settled_when_every_point_is_strictly_on_its_side() -> None:
    model = perceptron()
    model.weights.fill_(1.0)  # scores 0, 1, 1, 2: all four predictions of OR are right, one only just
    found = model.evaluation_step((POINTS, OR))
    assert torch.equal(found["predictions"], OR)
    assert float(found["settled"]) == 0.75
    model.bias.fill_(-0.5)
    assert float(model.evaluation_step((POINTS, OR))["settled"]) == 1.0


def test_the_criterion_is_the_mean_distance_on_the_wrong_side() -> None:
    scores, signs = torch.tensor([2.0, -3.0, 1.0, 0.0]), torch.tensor([1.0, 1.0, -1.0, -1.0])
    assert float(criterion(scores, signs)) == (0 + 3 + 1 + 0) / 4


def test_the_measures_name_what_the_plots_and_claims_ask_for() -> None:
    model = perceptron()
    model.training_step((POINTS, OR), {})
    expected = {"mistakes": 3, "weight_norm": 2**0.5, "weight_0": 1, "weight_1": 1, "bias": 1}
    assert model.measures() == pytest.approx(expected)
    assert model.plot_data()["bias"] == 1
    assert set(perceptron(3).measures()) == {"mistakes", "weight_norm"}
