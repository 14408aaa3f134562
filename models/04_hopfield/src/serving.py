"""How a Hopfield network is asked, and what it answers: a state in, the memory that it recalls out."""

import torch
from jaxtyping import Float
from torch import Tensor

from data_utils.description import Description
from exported import energy_of, settled
from inference.answers import PredictOptions, Row
from model import Hopfield
from probes import trace
from utils.schema import Strict


class Answer(Strict):
    """What was recalled."""

    label: str
    """The stored pattern that the state at the end is nearest to."""
    overlap: float
    """How near: 1 where equal (equation 6)."""
    energy: float
    """Of the state at the end, divided by the number of units."""
    pattern: list[float]
    """The state at the end, unit by unit."""


def outputs(model: Hopfield, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """Recall from states whose units are +1 where the input is above zero and -1 elsewhere.

    Returns:
        `pattern` [batch, units] and its `energy` [batch]; its `overlaps` [batch, patterns] with what is stored.
    """
    states = torch.where(x.flatten(1) > 0, 1.0, -1.0)
    if torch.compiler.is_exporting():
        end = settled(model, states)
        energy = energy_of(model, end)
    else:
        *_, end = model.recall(states)
        energy = model.energy_of(end)
    return {"pattern": end, "energy": energy.to(x.dtype), "overlaps": end @ model.patterns.T / model.n_units}


def decode(row: Row, data: Description, options: PredictOptions) -> Answer:
    """The nearest of the stored patterns, and the state itself."""
    nearest = int(row["overlaps"].argmax())
    return Answer(
        label=data.class_names[nearest],
        overlap=float(row["overlaps"][nearest]),
        energy=float(row["energy"]),
        pattern=row["pattern"].tolist(),
    )


def recall(model: Hopfield, x: Float[Tensor, "one *shape"]) -> dict[str, Tensor]:
    """One recall as it is watched.

    Returns:
        The `memories` [patterns, units], zeros for what is not stored yet; the `states` [looks, units] on the way,
        their `energies` [looks], and the `times` [looks] in sweeps, from the start on.
    """
    times, path = trace(model, torch.where(x.flatten(1) > 0, 1.0, -1.0))
    states = torch.cat(path)
    return {
        "memories": model.patterns,
        "states": states,
        "energies": model.energy_of(states),
        "times": torch.tensor(times),
    }
