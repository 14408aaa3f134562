"""How a trained ADALINE is asked, and what it answers."""

from jaxtyping import Float, Shaped
from torch import Tensor

from data_utils.description import Description
from inference.answers import Decision, PredictOptions, Row, Values, decision, values
from least_squares import least_squares
from model import THRESHOLD, Adaline, numbers

Answer = Decision | Values


def outputs(model: Adaline, x: Float[Tensor, "batch *shape"]) -> dict[str, Tensor]:
    """What the unit gives by equation (1), [batch, 1]: the `scores` of classes, the `values` of a regression."""
    given = model.score(x.flatten(1).double())[:, None].to(x.dtype)
    return {"scores" if model.classes else "values": given}


def decode(row: Row, data: Description, options: PredictOptions) -> Decision | Values:
    """The class, by equation (2), or the number."""
    return values(row, data) if "values" in row else decision(row, data, options, THRESHOLD)


def prepare(model: Adaline, inputs: Float[Tensor, "n features"], targets: Shaped[Tensor, "n *output"]) -> None:
    """Find the bowl of these examples, which says how long a step may be."""
    model.remember(least_squares(inputs, numbers(targets)))
