"""The schema of the `model:` section."""

from typing import Literal

from pydantic import Field

from utils.schema import Count, Strict


class ModelConfig(Strict):
    """Which model, and what is done to its inputs."""

    kind: Literal["network", "rule", "duel"]
    """A network with one hidden layer, a learning rule without an optimizer, or two networks with one each."""

    hidden: Count
    """Hidden units of a network."""

    dropout: float = Field(ge=0, lt=1)
    """Fraction of the hidden units that are silent in a training step."""

    jitter: float = Field(ge=0)
    """Standard deviation of the noise on every training input, drawn by the DataLoader; 0 for tensors in memory."""
