"""The Hopfield network (Hopfield 1982): memories as the resting points of a network of threshold units.

What is notable about this version:

- Storing is the whole of the learning, by hand: each pattern is added to the weights once. There is no gradient, no
  loss to descend and no second epoch.
- Recall goes through the units one by one, for all states at once: a column of the weights answers for one unit of
  every state.
- Three ways to store share one recall: Hebb's rule, the pseudo-inverse, and patterns kept as they are (modern.py).
- A unit whose field is zero keeps its value. A rule that made it +1 would favour a pattern over its negative.
- The patterns are remembered beside the weights, to say afterwards what was recalled; classical recall never looks.

Equation numbers are those of docs/deep_dive.md.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn
from torch.optim import Optimizer

from config import ModelConfig
from data_utils.description import Counts
from engine.config import ExperimentConfig
from modern import softmax_energy, softmax_update
from probes import flip, mixtures, overlap, places, same, trace
from utils.errors import InputError
from utils.seeds import generator

Batch = tuple[Float[Tensor, "batch *shape"], Int[Tensor, " batch"]]
States = Float[Tensor, "batch units"]

_TIE = 1e-5  # Hebbian fields are multiples of 1/n; anything smaller is float rounding and counts as zero
_DEPENDENT = 1e-6  # a pattern whose new part is smaller than this, of its squared length, is one that is known already
_DRAWN = 20  # patterns whose recall is drawn: more lines would hide one another


class Hopfield(nn.Module):
    """n units, each connected with every other, that store patterns of +1 and -1.

    Args:
        config: How to store and how to recall.
        n_units: Numbers in one pattern; images are flattened.
        n_patterns: How many patterns there will be.
        seed: Decides which units are flipped before a recall, and in which order units are updated.
    """

    automatic_optimization = False  # `training_step` stores; the engine only hands over batches

    def __init__(self, config: ModelConfig, n_units: int, n_patterns: int, seed: int) -> None:
        super().__init__()
        self.config, self.n_units, self.seed = config, n_units, seed
        self.patterns: Tensor
        self.weights: Tensor
        self.stored: Tensor
        memory = torch.zeros(n_patterns, n_units)
        if config.storage == "softmax":  # here the patterns are the weights
            self.patterns = nn.Parameter(memory, requires_grad=False)
        else:
            self.register_buffer("patterns", memory)
            self.weights = nn.Parameter(torch.zeros(n_units, n_units), requires_grad=False)
        self.register_buffer("stored", torch.zeros(n_patterns, dtype=torch.bool))
        # An exported graph cannot draw, so it finds the orders of all sweeps here; they follow from the seed.
        orders = torch.stack([self.units(sweep) for sweep in range(config.sweeps)])
        self.register_buffer("orders", orders, persistent=False)

    # The idea --------------------------------------------------------------------------------------------------------

    def store_hebbian(self, patterns: Float[Tensor, "batch units"]) -> None:
        """Strengthen the connection of units that agree, weaken that of units that differ."""
        # exercise hebbian: add the patterns to self.weights by equation (1); a unit is not connected with itself
        # (1)  w_ij <- w_ij + ξ_i ξ_j / n  for i ≠ j, summed over the patterns
        self.weights += (patterns.T @ patterns / self.n_units).fill_diagonal_(0)
        # end exercise

    def field(self, states: States, unit: int | slice = slice(None)) -> Float[Tensor, "batch *one"]:
        """What the other units tell one unit of each state, or all of them."""
        # exercise field: the field of equation (2), with the column self.weights[:, unit]
        # (2)  h_i = Σ_j w_ij s_j
        return states @ self.weights[:, unit]
        # end exercise

    def energy(self, states: States) -> Float[Tensor, " batch"]:
        """Hopfield's energy of each state, which an asynchronous update never raises (section 3)."""
        weights = self.weights.to(states.dtype)
        # exercise energy: the energy of equation (3), one number a state, from states and weights
        # (3)  E = -1/2 Σ_ij w_ij s_i s_j
        return -(states @ weights * states).sum(dim=1) / 2
        # end exercise

    def sweep(self, states: States, order: Int[Tensor, " some"]) -> States:
        """Update units one by one, in `order`; each sees what those before it have become."""
        states = states.clone()
        # exercise asynchronous: update one unit after the other of all states by equation (4), with `follow`
        # (4)  s_i <- sign(h_i), or s_i as it was where h_i = 0
        for unit in order.tolist():
            states[:, unit] = follow(self.field(states, unit), states[:, unit])
        # end exercise
        return states

    def leap(self, states: States) -> States:
        """Update all units at once: each sees what the others were."""
        # exercise synchronous: update all units of all states by equation (4) at the same time, with `follow`
        # (4)  s_i <- sign(h_i) for every i, from the same h
        return follow(self.field(states), states)
        # end exercise

    def store_projection(self, pattern: Float[Tensor, " units"]) -> None:
        """Add what is new about a pattern to the projection onto the stored ones (Personnaz et al. 1985)."""
        # exercise pseudo-inverse: change self.weights by equation (5); nothing where the residual is (nearly) zero
        # (5)  r = ξ - W ξ,  W <- W + r rᵀ / |r|²
        residual = pattern - self.weights @ pattern
        size = residual @ residual
        if size > _DEPENDENT * (pattern @ pattern):
            self.weights += torch.outer(residual, residual) / size
        # end exercise

    # Recall, whatever the network ------------------------------------------------------------------------------------

    def units(self, sweep: int) -> Int[Tensor, " units"]:
        """The order in which sweep number `sweep` goes through the units: random, and the same for every state."""
        return torch.randperm(self.n_units, generator=generator(self.seed, "units", sweep))

    def update(self, states: States, sweep: int) -> States:
        """Sweep number `sweep`: every unit once. Before anything is stored, nothing moves."""
        if not self.stored.any():
            return states
        if self.config.beta is not None:
            return softmax_update(states, self.patterns[self.stored], self.config.beta)
        return self.leap(states) if self.config.order == "synchronous" else self.sweep(states, self.units(sweep))

    def recall(self, states: States) -> Iterator[States]:
        """The states at the start, and after each sweep until one changes nothing or time is up."""
        yield states
        moving = torch.arange(len(states), device=states.device)
        for sweep in range(self.config.sweeps):
            before = states[moving]
            after = self.update(before, sweep)
            moved = same(after, before) == 0
            if not moved.any():
                return
            states = states.index_copy(0, moving, after)
            moving = moving[moved]  # a state that a sweep leaves alone is left alone by every other
            yield states

    def energy_of(self, states: States) -> Float64[Tensor, " batch"]:
        """The energy of whichever network this is, divided by the number of units; zero before anything is stored."""
        if not self.stored.any():
            return states.new_zeros(len(states), dtype=torch.float64)
        if self.config.beta is None:
            return self.energy(states.double()) / self.n_units
        patterns = self.patterns[self.stored].double()
        return softmax_energy(states.double(), patterns, self.config.beta) / self.n_units

    # What the engine asks for ----------------------------------------------------------------------------------------

    def training_step(self, batch: Batch, optimizers: dict[str, Optimizer]) -> dict[str, Tensor]:
        """Store a batch of patterns; the target of a pattern is its number.

        Returns:
            `loss`: their mean energy now that they are stored.

        Raises:
            InputError: The inputs are not +1 and -1.
        """
        patterns, numbers = batch[0].flatten(1), batch[1]
        if not (patterns.abs() == 1).all():
            raise InputError("a Hopfield network stores patterns of +1 and -1; take data.name=patterns, for example")
        if self.config.storage == "hebbian":
            self.store_hebbian(patterns)
        elif self.config.storage == "pseudo_inverse":
            for pattern in patterns:
                self.store_projection(pattern)
        self.patterns[numbers] = patterns
        self.stored[numbers] = True
        return {"loss": self.energy_of(patterns).mean()}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        """Recall each pattern of a batch from `probes` states with flipped units.

        Returns:
            `predictions`, the number of the stored pattern that each recall ended nearest to, and `targets`. Means over
            the recalls: `overlap` with the pattern that was asked for; `settled` where another sweep changes nothing,
            `cycling` where two come back to the same, `wandering` elsewhere; `energy` at the end, and `energy_rise`,
            the sum of its rises from sweep to sweep; and with `spurious`, the fractions of `places`.
        """
        patterns, numbers = batch[0].flatten(1), batch[1]
        path = list(self.recall(flip(patterns, numbers, self.config, self.seed)))
        end, energies = path[-1], torch.stack([self.energy_of(states) for states in path])
        once = self.update(end, sweep=0)
        settled, back = same(once, end), same(self.update(once, sweep=1), end)
        asked = self.config.probes
        return {
            "predictions": (end @ self.patterns.T).argmax(dim=1),
            "targets": numbers.repeat_interleave(asked),
            "overlap": overlap(end, patterns.repeat_interleave(asked, dim=0)).mean(),
            "settled": settled.mean(),
            "cycling": ((1 - settled) * back).mean(),
            "wandering": ((1 - settled) * (1 - back)).mean(),
            "energy": energies[-1].mean(),
            "energy_rise": energies.diff(dim=0).clamp(min=0).sum(dim=0).mean(),
            **(places(end, self.patterns[self.stored]) if self.config.spurious else {}),
        }

    def measures(self) -> dict[str, float]:
        """How well what is stored so far is remembered: logged at each evaluation as `model/<name>`.

        `load` is α, patterns a unit. `stable_bits` is the fraction of the patterns' units that one update leaves right,
        `stable` that of the patterns with all of them right; with `spurious`, `negatives_stable` and `mixtures_stable`
        are the same for what nobody stored. `recalled` is the accuracy of recalls; the rest is as in `evaluation_step`.
        """
        numbers = self.stored.nonzero().squeeze(1)
        patterns = self.patterns[numbers]
        if len(numbers) == 0:
            return {"load": 0.0}
        found = self.evaluation_step((patterns, numbers))
        right = found.pop("predictions") == found.pop("targets")
        known = {
            "load": len(numbers) / self.n_units,
            "stable_bits": float((self.told(patterns) == patterns).double().mean()),
            "stable": self.stable(patterns),
            "recalled": float(right.double().mean()),
            **{name: float(value) for name, value in found.items()},
        }
        if self.config.spurious:
            known |= {"negatives_stable": self.stable(-patterns), "mixtures_stable": self.stable(mixtures(patterns))}
        return known

    def told(self, states: States) -> States:
        """What one update of all units at once makes of these states of +1 and -1, as signs."""
        if self.config.beta is None:
            return self.leap(states)
        return softmax_update(states, self.patterns[self.stored], self.config.beta).sign()

    def stable(self, states: States) -> float:
        """The fraction of these states of +1 and -1 that stay as they are."""
        return float(same(self.told(states), states).mean())

    def plot_data(self) -> dict[str, object]:
        """What the plots may draw besides data and history: `patterns`, `corrupted` and `recalled`, [patterns, units],
        of the first few; and the `energies` [times, states] of the same recalls at `times`, in sweeps."""
        numbers = self.stored.nonzero().squeeze(1)[:_DRAWN]
        patterns = self.patterns[numbers]
        states = flip(patterns, numbers, self.config, self.seed)[:: self.config.probes]
        times, path = trace(self, states)
        energies = torch.stack([self.energy_of(states) for states in path])
        arrays = {"patterns": patterns, "corrupted": path[0], "recalled": path[-1], "energies": energies}
        return {"times": times, **{name: array.cpu().numpy() for name, array in arrays.items()}}


def follow(field: Float[Tensor, "*shape"], states: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Equation (4): the sign of the field, and the state as it was where the field is zero."""
    return torch.where(field.abs() > _TIE, field.sign(), states)


def build(config: ExperimentConfig[ModelConfig], data: Counts) -> Hopfield:
    """The network for a data set: a unit for each number of a pattern, and room for every pattern."""
    return Hopfield(config.model, data.n_features, data.n_classes, config.seed)
