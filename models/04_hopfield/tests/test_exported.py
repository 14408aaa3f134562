"""What is exported answers as the network does."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from serving import outputs

Make = Callable[..., Any]

NETWORKS: dict[str, tuple[int, dict[str, Any]]] = {
    "asynchronous": (6, {}),
    "synchronous": (6, {"order": "synchronous"}),
    "softmax": (6, {"storage": "softmax", "order": "synchronous", "beta": 0.25}),
    "nothing stored": (0, {"storage": "softmax", "order": "synchronous", "beta": 0.25}),
}


class PredictOptions(nn.Module):
    """`outputs` as a module."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return outputs(self.network, x)


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(("stored", "settings"), NETWORKS.values(), ids=NETWORKS)
def test_the_exported_network_recalls_the_same(stored: int, settings: dict[str, Any], blank: Make, signs: Make) -> None:
    network = blank(30, n_patterns=8, **settings)  # not all of the eight are stored
    if stored:
        network.training_step((signs(stored, 30), torch.arange(stored)), {})
    asked = PredictOptions(network)
    program = torch.export.export(asked, (signs(3, 30),), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    assert len(program.graph.nodes) < 60  # loops: not an operation for each unit and sweep
    graph = program.module()
    for batch in (1, 3, 40):
        states = signs(batch, 30, seed=batch)
        found, wanted = graph(states), asked(states)
        assert found.keys() == wanted.keys()
        for name, values in wanted.items():
            torch.testing.assert_close(found[name], values, atol=1e-5, rtol=0)
