"""Recall and energy as a graph that can be exported: loops are operations, and nothing is decided while it is made.

`Hopfield.recall` looks at the states after each sweep and goes on with those that moved. A graph is made before there
are states: its loops are `torch.while_loop`, and a state that has settled is kept by a mask.

Equation numbers are those of docs/deep_dive.md.
"""

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from model import Hopfield, follow
from probes import same

States = Float[Tensor, "batch units"]
Number = Int[Tensor, ""]
Moving = Bool[Tensor, " batch"]


def settled(network: Hopfield, states: States) -> States:
    """Where `network.recall` ends."""
    first = states.new_zeros((), dtype=torch.int64)
    everyone = torch.ones_like(states[:, 0], dtype=torch.bool)
    _, end, _ = torch.while_loop(
        lambda sweep, states, moving: (sweep < network.config.sweeps) & moving.any(),
        lambda sweep, states, moving: (sweep + 1, *_moved(network, states, moving, sweep)),
        (first, states, everyone),
    )
    return end


def energy_of(network: Hopfield, states: States) -> Float64[Tensor, " batch"]:
    """`network.energy_of`, by equation (3) or (8)."""
    states, beta = states.double(), network.config.beta
    if beta is None:  # before anything is stored all weights are zero, and so is the energy
        return network.energy(states) / network.n_units
    count, largest = network.stored.sum().double(), network.patterns.double().square().sum(dim=1).max()
    lse = torch.logsumexp(_similarities(network, states, beta), dim=1) / beta
    energy = -lse + states.square().sum(dim=1) / 2 + torch.log(count) / beta + largest / 2
    return torch.where(count > 0, energy / network.n_units, 0.0)


def _moved(network: Hopfield, states: States, moving: Moving, sweep: Number) -> tuple[States, Moving]:
    """The states after a sweep, and which of them it moved; the others stay as they are for good."""
    after = _updated(network, states, sweep)
    moving = moving & (same(after, states) == 0)
    return torch.where(moving[:, None], after, states), moving


def _updated(network: Hopfield, states: States, sweep: Number) -> States:
    """Every unit once, by equation (7) or (4)."""
    beta = network.config.beta
    if beta is not None:
        shares = torch.softmax(_similarities(network, states, beta), dim=1)
        return torch.where(network.stored.any(), shares @ network.patterns, states)
    if network.config.order == "synchronous":
        return network.leap(states)
    order = network.get_buffer("orders").index_select(0, sweep[None])[0]
    _, after = torch.while_loop(
        lambda place, states: place < network.n_units,
        lambda place, states: (place + 1, _one_moved(network, states, order.index_select(0, place[None]))),
        (torch.zeros_like(sweep), states),
    )
    return after


def _one_moved(network: Hopfield, states: States, unit: Int[Tensor, " 1"]) -> States:
    field = states @ network.weights.index_select(1, unit)
    return states.index_copy(1, unit, follow(field, states.index_select(1, unit)))


def _similarities(network: Hopfield, states: States, beta: float) -> Float[Tensor, "batch patterns"]:
    """β X s; what is not stored is like nothing."""
    similarities = beta * states @ network.patterns.to(states.dtype).T
    return similarities.masked_fill(~network.stored, -torch.inf)
