"""A function as the list of its operations."""

import pytest
import torch
from torch import Tensor
from torch.func import grad, vmap

from engine.fast.fx import traced

ROWS = torch.arange(6.0).reshape(2, 3)


def test_what_was_traced_gives_what_the_function_gives_for_other_values() -> None:
    def function(tensors: dict[str, Tensor], scale: Tensor) -> dict[str, Tensor]:
        return {
            name: (each.view(2, 3) * 1).tanh() + (each.view(2, 3) * 1).tanh() * scale for name, each in tensors.items()
        }

    call = traced(function, {"a": ROWS, "b": -ROWS}, torch.tensor(2.0))
    others = {"a": ROWS + 1, "b": ROWS - 1}
    found, wanted = call(others, torch.tensor(3.0)), function(others, torch.tensor(3.0))
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_gradients_of_several_replicas_are_those_of_each() -> None:
    def loss(weights: Tensor, inputs: Tensor) -> Tensor:
        return torch.nn.functional.cross_entropy(inputs @ weights, torch.tensor([0, 2]))

    weights, inputs = torch.randn(4, 3, 3), torch.randn(4, 2, 3)
    call = traced(vmap(grad(loss)), weights, inputs)
    alone = [grad(loss)(w, x) for w, x in zip(weights, inputs, strict=True)]
    assert torch.allclose(call(weights, inputs), torch.stack(alone), atol=1e-6)


def test_a_product_with_one_that_changes_the_type_stays() -> None:
    call = traced(lambda numbers: numbers * 1.0, torch.arange(3))
    assert call(torch.arange(3)).dtype == torch.float32


@pytest.mark.parametrize("function", [lambda x: x.view(2, 3), lambda x: x * 1, lambda x: x.expand(2, 3) * 1])
def test_a_result_is_no_argument_under_another_name(function) -> None:  # type: ignore[no-untyped-def]
    argument = ROWS.clone()
    function_itself = function(argument).untyped_storage().data_ptr() == argument.untyped_storage().data_ptr()
    result = traced(function, argument)(argument)
    assert (result.untyped_storage().data_ptr() == argument.untyped_storage().data_ptr()) == function_itself


def test_a_function_that_changes_something_keeps_its_order() -> None:
    def function(x: Tensor) -> Tensor:
        before = x.exp()
        y = x.clone()
        y.add_(1)
        return before + y.exp() + x.exp()

    assert torch.equal(traced(function, ROWS)(ROWS + 1), function(ROWS + 1))
