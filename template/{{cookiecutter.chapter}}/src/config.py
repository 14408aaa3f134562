"""The schema of the `model:` section; the values come from config/."""

from utils.schema import Count, Strict


class ModelConfig(Strict):
    """What can be chosen about the network."""

    hidden: Count
    """Hidden units."""
