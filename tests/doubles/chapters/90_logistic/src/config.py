"""The schema of the `model:` section."""

from pydantic import Field

from utils.schema import Count, Strict


class ModelConfig(Strict):
    """The size of the network."""

    hidden: Count
    """Hidden units."""

    dropout: float = Field(ge=0, lt=1)
    """Fraction of the hidden units that are silent in a training step."""
