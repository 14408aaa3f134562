"""How an experiment belongs to the others: what comes after it, and what a person says of it."""

from pydantic import Field

from utils.schema import Strict


class Successor(Strict):
    """The experiment that passes, on the same data and seeds, where this one fails."""

    experiment: str = Field(pattern=r"^\d+_\w+/\w[\w.-]*$")
    """`chapter/experiment`."""
    metric: str | None = None
    """What the two are held against; null is the metric of the first claim."""
    at_least: float | None = Field(default=None, ge=0)
    """By how much its mean over the seeds is better; null is by anything."""


def spelled_out(given: object) -> object:
    """`03_mlp/xor` is short for a section that has only that."""
    return {"experiment": given} if isinstance(given, str) else given


class Notes(Strict):
    """What a person adds to the experiment's entry in EXPERIMENTS.md; the figures come from the runs."""

    changes: str
    """Against which experiment, and what."""
    observations: str
    next: str
    """The next step."""
