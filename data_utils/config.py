"""Which data set, and how it is split: the `data` section of every config. Free of torch, like all configs."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from utils.schema import Strict

Fraction = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Digit = Annotated[int, Field(ge=0, le=9)]


class DataSection(Strict):
    """What every data set needs to know, whatever it is."""

    standardize: bool
    """Shift and scale the inputs to mean 0 and standard deviation 1, as measured on the training split."""
    validation: Fraction
    """Fraction of the examples held out for validation; 0 means none."""
    split_seed: Seed
    """Decides which examples are held out, and nothing else."""


class HeldOut(DataSection):
    """A data set whose test split is drawn by us."""

    test: Fraction
    """Fraction of the examples held out for testing; 0 means none."""

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> "HeldOut":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together must be less than 1")
        return self


class AllForTraining(HeldOut):
    """A data set of which nothing can be held out."""

    reason: ClassVar[str]

    @field_validator("validation", "test")
    @classmethod
    def _nothing_is_held_out(cls, fraction: float) -> float:
        if fraction != 0:
            raise ValueError(f"{cls.reason}; give 0")
        return fraction


class FourPoints(AllForTraining):
    """A Boolean function of two inputs: four points, of which none can be spared."""

    reason = "a Boolean function of two inputs has four points and all are for training"


class Gate(FourPoints):
    """A gate under its own name."""

    name: Literal["and", "or", "xor"]


class Boolean(FourPoints):
    """Any of the 16 Boolean functions of two inputs."""

    name: Literal["boolean"]
    truth_table: int = Field(ge=0, le=15)
    """Bit i is the output for input i, in the order (0,0), (0,1), (1,0), (1,1): 6 is XOR, 8 is AND, 14 is OR."""


class Blobs(HeldOut):
    """Two clouds with a plane between them."""

    name: Literal["blobs"]
    n: int = Field(ge=2)
    """Examples in all, half of each class."""
    features: int = Field(ge=1)
    margin: float = Field(gt=0)
    """Least distance of any point from the separating plane; the classes are at least twice as far apart."""
    seed: Seed
    """Decides the points."""


class NoisyBlobs(HeldOut):
    """Two normal clouds that overlap."""

    name: Literal["noisy_blobs"]
    n: int = Field(ge=2)
    """Examples in all, half of each class."""
    features: int = Field(ge=1)
    separation: float = Field(ge=0)
    """Distance between the two centres."""
    noise: float = Field(gt=0)
    """Standard deviation of each cloud in every direction."""
    seed: Seed
    """Decides the points."""


class Table(HeldOut):
    """A small data set that comes with scikit-learn."""

    name: Literal["iris", "iris-easy", "iris-hard", "breast_cancer", "digits"]


class Mnist(DataSection):
    """Handwritten digits, with the test split of their authors; `validation` is a fraction of their training split."""

    name: Literal["mnist"]
    test: Literal["official"]
    classes: tuple[Digit, ...] | None
    """The digits to tell apart, in the order of their class indices; null means all ten."""

    @field_validator("classes")
    @classmethod
    def _at_least_two_distinct(cls, classes: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if classes is not None and (len(classes) < 2 or len(set(classes)) < len(classes)):
            raise ValueError("name at least two different digits, or null for all ten")
        return classes


class SignPatterns(AllForTraining):
    """Patterns of +1 and -1 to be stored, each a class of its own."""

    reason = "each pattern is a class of its own and all are for training"
    standardize: Literal[False]
    """A standardised pattern would not be one of +1 and -1."""


class Patterns(SignPatterns):
    """Random patterns: every unit is +1 or -1 with equal chance, independently of all others."""

    name: Literal["patterns"]
    n: int = Field(ge=2)
    """How many patterns."""
    units: int = Field(ge=1)
    seed: Seed
    """Decides the patterns; the first of many are those of few."""


class DigitPrototypes(SignPatterns):
    """The ten mean images of MNIST's training digits, each pixel turned into +1 or -1."""

    name: Literal["digit_prototypes"]
    brightness: float = Field(gt=0, lt=1)
    """A pixel is +1 where the mean is brighter than this; 1 is white."""


DataConfig = Annotated[
    Gate | Boolean | Blobs | NoisyBlobs | Patterns | Table | Mnist | DigitPrototypes, Field(discriminator="name")
]
"""The `data` section of a config, told apart by `name`."""
