"""The schema of the `model:` section; the values come from config/."""

from pydantic import Field

from utils.schema import Strict


class ModelConfig(Strict):
    """What can be chosen about the network."""

    hidden: int = Field(ge=1)
    """Hidden units."""
