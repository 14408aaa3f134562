"""Asking a network what it remembers: patterns with flipped units, and what the answers are compared with."""

from itertools import combinations
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from config import ModelConfig
from utils.seeds import generator

if TYPE_CHECKING:
    from model import Hopfield

States = Float[Tensor, "batch units"]
_CLOSE = 1e-5  # states nearer than this are the same; those of +1 and -1 are equal or 2 apart
_PARTS = 20  # looks a sweep


def flip(
    patterns: States, numbers: Int[Tensor, " batch"], config: ModelConfig, seed: int
) -> Float[Tensor, "recalls units"]:
    """Each pattern `config.probes` times in a row, each time with `config.flipped` of its units flipped.

    Args:
        patterns: Patterns of +1 and -1.
        numbers: Which patterns these are: what is flipped depends on the number, and on no other pattern in the batch.
        config: How many units to flip, rounded to the nearest whole number, and how many states to make of a pattern.
        seed: Decides which units are flipped.
    """
    probes, n_units = config.probes, patterns.shape[1]
    draws = [torch.rand(probes, n_units, generator=generator(seed, "flipped", n)) for n in numbers.tolist()]
    chosen = torch.cat(draws).argsort(dim=1)[:, : round(config.flipped * n_units)].to(patterns.device)
    states = patterns.repeat_interleave(probes, dim=0)
    return states.scatter(1, chosen, -states.gather(1, chosen))


def overlap(states: States, patterns: States) -> Float[Tensor, " batch"]:
    """How alike each state and its pattern are: 1 where equal, 0 where unrelated, -1 where opposite (equation 6)."""
    return (states * patterns).mean(dim=1)


def same(states: States, others: States) -> Float[Tensor, " batch"]:
    """1 where a state equals its counterpart, 0 elsewhere."""
    return ((states - others).abs().amax(dim=1) < _CLOSE).to(states.dtype)


def mixtures(patterns: Float[Tensor, "patterns units"]) -> Float[Tensor, "mixtures units"]:
    """What three patterns say by majority, sign(±ξ ± ξ' ± ξ''), for every three patterns and every choice of signs."""
    threes = torch.tensor(list(combinations(range(len(patterns)), 3)), dtype=torch.int64).reshape(-1, 3)
    signs = torch.cartesian_prod(*[torch.tensor([1.0, -1.0])] * 3).to(patterns)
    return torch.einsum("sk,tku->stu", signs, patterns[threes]).sign().flatten(0, 1)


def places(ends: States, patterns: Float[Tensor, "patterns units"]) -> dict[str, Tensor]:
    """The fractions of recalls that ended in a pattern, in the negative of one, in a mixture of three, or elsewhere."""
    candidates = {"in_pattern": patterns, "in_negative": -patterns, "in_mixture": mixtures(patterns)}
    found = {name: (ends @ states.T > ends.shape[1] - 1).any(dim=1) for name, states in candidates.items()}
    found["elsewhere"] = ~torch.stack(list(found.values())).any(dim=0)
    return {name: there.to(ends.dtype).mean() for name, there in found.items()}


def trace(network: "Hopfield", states: States) -> tuple[list[float], list[States]]:
    """Recall as `network.recall` does, and look also within a sweep that goes through the units one by one.

    Returns:
        The times, in sweeps from 0 on, and the states at each: several a sweep of an asynchronous network, one of any
        other.
    """
    times, path = [0.0], [states]
    for sweep in range(network.config.sweeps):
        before = path[-1]
        if network.config.order == "asynchronous":
            chunks = network.units(sweep).chunk(_PARTS)
            for i, chunk in enumerate(chunks):
                path.append(network.sweep(path[-1], chunk))
                times.append(sweep + (i + 1) / len(chunks))
        else:
            path.append(network.update(before, sweep))
            times.append(sweep + 1.0)
        if same(path[-1], before).all():
            break
    return times, path
