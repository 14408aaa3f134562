"""What the configs of data sets share: the base classes of the `data` section. Free of torch and NumPy.

`data_utils/datasets/` holds the config of each data set.
"""

from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from utils.schema import Count, Strict

if TYPE_CHECKING:
    from data_utils.examples import Examples

Fraction = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]

FARTHEST = 1e6
"""Upper limit for lengths of generated points: much beyond it, float32 rounds away the distance of two of them."""
Distance = Annotated[float, Field(ge=0, le=FARTHEST)]


class DataSection(Strict):
    """Base of the config of every data set, which has a `name` of its own."""

    if TYPE_CHECKING:  # as fields these would come first in every config that is written to disk
        name: str
        test: float | Literal["official"]

    standardize: bool
    """Shift and scale the inputs to mean 0 and standard deviation 1, as measured on the training split."""
    validation: Fraction
    """Fraction of the examples held out for validation; 0 means none."""
    split_seed: Seed
    """Decides which examples are held out, and nothing else."""

    @abstractmethod
    def examples(self) -> "Examples":
        """Generate or read all examples, before they are split.

        Raises:
            RunError: A file cannot be had or is not what it should be.
        """


class HeldOut(DataSection):
    """Data set whose test split is drawn by us."""

    test: Fraction
    """Fraction of the examples held out for testing; 0 means none."""

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> "HeldOut":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must be less than 1")
        return self


class AllForTraining(HeldOut):
    """Data set of which nothing can be held out."""

    reason: ClassVar[str]

    @field_validator("validation", "test")
    @classmethod
    def _nothing_is_held_out(cls, fraction: float) -> float:
        if fraction != 0:
            raise ValueError(f"{cls.reason}; give 0")
        return fraction


class Regression(HeldOut):
    """Data set whose targets are numbers."""

    standardize_targets: bool
    """Shift and scale the targets to mean 0 and standard deviation 1, as measured on the training split."""


class Images(DataSection):
    """Images, and ablations that show what a model relies on."""

    train_size: Count | None
    """Number of training examples to keep, drawn by `split_seed`; a smaller draw is part of a larger one. Null keeps
    all."""
    permute_pixels: Seed | None
    """Seed of one permutation of the pixels, the same for every image of every split; null leaves them in place."""
    shift: int
    """Pixels by which held-out images are moved to the right, black coming in; training images stay."""
