"""The schema of the `model:` section; the values come from config/."""

from typing import Annotated, Literal

from pydantic import Field

from utils.schema import Count, Strict

Positive = Annotated[float, Field(gt=0)]


class StabilityCurves(Strict):
    """What the `stability` plot shows: the way down the error for several learning rates."""

    rates: tuple[Positive, ...] = Field(min_length=1)
    """Fractions of the stability limit."""
    steps: Count


class ModelConfig(Strict):
    """What can be chosen about an ADALINE."""

    learning_rate: Positive
    """η of equation (3), in the unit below."""
    rate_unit: Literal["absolute", "stability_limit"]
    """`stability_limit`: a fraction of 2/λmax of the training data, equation (8); below 1 a full batch converges."""
    stability_curves: StabilityCurves | None
    """Null: the `stability` plot is not drawn."""
