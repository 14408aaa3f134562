"""The moving average of the weights."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from engine.loop.ema import EMA

WEIGHTS = st.lists(st.floats(-10, 10), min_size=1, max_size=15)


def scalar(value: float) -> nn.Module:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def follow(model: nn.Module, average: EMA, weights: Sequence[float], start: int = 0) -> None:
    for step, weight in enumerate(weights, start):
        nn.init.constant_(model.weight, weight)  # type: ignore[arg-type]
        average.update(step)


@given(weights=WEIGHTS, decay=st.floats(0.01, 0.999))
def test_it_is_the_average_of_its_equation(weights: list[float], decay: float) -> None:
    model = scalar(weights[0])
    average = EMA(model, decay)
    follow(model, average, weights)
    expected = weights[0]
    for step, weight in enumerate(weights):
        d = min(decay, (1 + step) / (10 + step))
        expected = d * expected + (1 - d) * weight
    assert average.state_dict()["weight"].item() == pytest.approx(expected, abs=1e-4)


def test_constant_weights_are_their_own_average() -> None:
    model = scalar(3.0)
    average = EMA(model, 0.9)
    follow(model, average, [3.0] * 20)
    assert average.state_dict()["weight"].item() == 3.0


def test_the_model_has_the_average_only_while_it_is_applied() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average = EMA(model, 0.9)
    with torch.no_grad():
        model.get_parameter("0.weight").add_(1)
    average.update(0)
    trained = {name: value.clone() for name, value in model.state_dict().items()}
    averaged = {name: value.clone() for name, value in average.state_dict().items()}
    with pytest.raises(ZeroDivisionError), average.applied():
        for name, value in averaged.items():
            assert torch.equal(model.state_dict()[name], value)
        raise ZeroDivisionError
    for name, value in trained.items():
        assert torch.equal(model.state_dict()[name], value)
    for name, value in averaged.items():
        assert torch.equal(average.state_dict()[name], value)


def test_the_optimizer_still_owns_the_weights_afterwards() -> None:
    model = scalar(1.0)
    weight = model.weight
    with EMA(model, 0.9).applied():
        pass
    assert model.weight is weight


@given(weights=WEIGHTS, cut=st.integers(0, 15))
def test_a_resumed_average_is_the_unbroken_one(weights: list[float], cut: int) -> None:
    models = [scalar(weights[0]) for _ in range(3)]
    unbroken, first, second = (EMA(model, 0.9) for model in models)
    follow(models[0], unbroken, weights)
    follow(models[1], first, weights[:cut])
    second.load_state_dict(first.state_dict())
    follow(models[2], second, weights[cut:], start=min(cut, len(weights)))
    assert torch.equal(second.state_dict()["weight"], unbroken.state_dict()["weight"])


def test_tied_weights_have_one_average_under_each_of_their_names() -> None:
    model = nn.ModuleDict({"embed": nn.Linear(2, 2, bias=False), "unembed": nn.Linear(2, 2, bias=False)})
    model["unembed"].weight = model["embed"].weight
    average = EMA(model, 0.9)
    nn.init.zeros_(model.get_parameter("embed.weight"))
    average.update(0)
    state = average.state_dict()
    assert state.keys() == {"embed.weight", "unembed.weight"} == model.state_dict().keys()
    assert torch.equal(state["embed.weight"], state["unembed.weight"])
    average.load_state_dict({name: value + 1 for name, value in state.items()})
    with average.applied():
        assert model["unembed"].weight is model["embed"].weight
