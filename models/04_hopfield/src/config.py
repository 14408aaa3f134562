"""The schema of the `model:` section; the values come from config/."""

from typing import Literal

from pydantic import Field, model_validator

from utils.schema import Count, Strict


class ModelConfig(Strict):
    """What can be chosen about a Hopfield network, and how it is asked to recall."""

    storage: Literal["hebbian", "pseudo_inverse", "softmax"]
    """How patterns are kept: in the weights by equation (1) or (5), or as they are, for the softmax of equation (7)."""

    order: Literal["asynchronous", "synchronous"]
    """One unit at a time, or all at once; the softmax network knows only the second."""

    beta: float | None = Field(gt=0)
    """β of equation (7): how strongly the softmax favours the nearest pattern; null for the other two."""

    sweeps: Count
    """How long to recall at most; a sweep updates each unit once."""

    flipped: float = Field(ge=0, le=1)
    """Fraction of the units that are flipped before a pattern is recalled; at 0.5 nothing is left of it."""

    probes: Count
    """How often each pattern is recalled, each time with other units flipped."""

    spurious: bool
    """Also look for states that nobody stored: negatives, and mixtures of three patterns. For few patterns: there are
    eight mixtures for every three of them."""

    @model_validator(mode="after")
    def _beta_belongs_to_the_softmax(self) -> "ModelConfig":
        if (self.storage == "softmax") != (self.beta is not None):
            raise ValueError("beta is for storage=softmax, which needs it; null for any other")
        if self.storage == "softmax" and self.order == "asynchronous":
            raise ValueError("the softmax network updates all units at once: order=synchronous")
        return self
