"""The schema of the `model:` section; the values come from config/."""

from pydantic import Field

from utils.schema import MOST, Strict


class ModelConfig(Strict):
    """What can be chosen about a perceptron."""

    learning_rate: float = Field(gt=0)
    """η of equation (3). The weights start at zero, so it only scales them: no decision depends on it."""

    margin_iterations: int = Field(ge=0, le=MOST)
    """How long to look for the margin of the training data before the first step; 0: do not look, know no bound."""
