"""The schema of the `model:` section; the values come from config/."""

from pydantic import Field

from utils.schema import Count, Strict


class Comparison(Strict):
    """How the tape is held against the same network by hand and by torch, at each evaluation."""

    examples: Count
    """Training examples in the batch that all three compute on."""
    repeats: Count
    """Timed steps of each, taken in turn; the medians are compared."""
    depths: tuple[Count, ...] = Field(min_length=1)
    """Numbers of hidden layers that the `tape_cost` plot shows, each as wide as the first of `model.hidden`."""


class ModelConfig(Strict):
    """What can be chosen about the network that the tape trains."""

    hidden: tuple[Count, ...]
    """Units in each hidden layer."""
    learning_rate: float = Field(gt=0)
    """η of equation (6)."""
    comparison: Comparison | None
    """Null: do not compare; only learn."""
