"""Which data set, and how it is split: the `data` section of every config. Free of torch, like all configs."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from utils.schema import MOST, Count, Strict

Fraction = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Digit = Annotated[int, Field(ge=0, le=9)]

FARTHEST = 1e6
"""Of what describes generated points: float32 does not know how far apart two of them are much beyond that."""
Distance = Annotated[float, Field(ge=0, le=FARTHEST)]


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
    n: int = Field(ge=2, le=MOST)
    """Examples in all, half of each class."""
    features: Count
    margin: float = Field(gt=0, le=FARTHEST)
    """Least distance of any point from the separating plane; the classes are at least twice as far apart."""
    seed: Seed
    """Decides the points."""


class NoisyBlobs(HeldOut):
    """Two normal clouds that overlap."""

    name: Literal["noisy_blobs"]
    n: int = Field(ge=2, le=MOST)
    """Examples in all, half of each class."""
    features: Count
    separation: Distance
    """Distance between the two centres."""
    noise: float = Field(gt=0, le=FARTHEST)
    """Standard deviation of each cloud in every direction."""
    seed: Seed
    """Decides the points."""


class Moons(HeldOut):
    """Two half circles that reach into each other."""

    name: Literal["moons"]
    n: int = Field(ge=2, le=MOST)
    """Examples in all, half of each class."""
    noise: Distance
    """Standard deviation of what is added to each coordinate; the circles have radius 1."""
    seed: Seed
    """Decides the points."""


class Spirals(HeldOut):
    """Two spirals that wind around each other."""

    name: Literal["spirals"]
    n: int = Field(ge=2, le=MOST)
    """Examples in all, half of each class."""
    turns: float = Field(gt=0, le=FARTHEST)
    """How often each spiral winds around the origin."""
    noise: Distance
    """Standard deviation of what is added to each coordinate; the spirals end at radius 1."""
    seed: Seed
    """Decides the points."""


class FarPoints(HeldOut):
    """Two clouds with a line between them, and a part of one far out on its own side."""

    name: Literal["far_points"]
    n: int = Field(ge=10, le=MOST)
    """Examples in all, half of each class; a fifth of class 1 lies far out."""
    distance: Distance
    """How far out that fifth is moved."""
    seed: Seed
    """Decides the points."""


class Regression(HeldOut):
    """A data set whose targets are numbers."""

    standardize_targets: bool
    """Shift and scale the targets to mean 0 and standard deviation 1, as measured on the training split."""


class Line(Regression):
    """A linear function with noise on it."""

    name: Literal["line"]
    n: int = Field(ge=2, le=MOST)
    """Examples in all."""
    features: Count
    noise: Distance
    """Standard deviation of what is added to each target."""
    seed: Seed
    """Decides the function and the points."""


class Sine(Regression):
    """One period of the sine with noise on it."""

    name: Literal["sine"]
    n: int = Field(ge=2, le=MOST)
    """Examples in all."""
    noise: Distance
    """Standard deviation of what is added to each target."""
    seed: Seed
    """Decides the points."""


class Table(HeldOut):
    """A small data set that comes with scikit-learn."""

    name: Literal["iris", "iris-easy", "iris-hard", "breast_cancer"]


class RegressionTable(Regression):
    """A small data set with numbers as targets that comes with scikit-learn."""

    name: Literal["diabetes"]


class Pictures(DataSection):
    """What can be done to images to find out what a model relies on."""

    train_size: Count | None
    """So many examples of the training split, drawn by `split_seed`; fewer are a part of more. Null means all."""
    permute_pixels: Seed | None
    """Seed of one permutation of the pixels, the same for every image of every split; null leaves them in place."""
    shift: int
    """The images held out are moved to the right by so many pixels, black coming in; those for training are not."""


class Digits(HeldOut, Pictures):
    """Handwritten digits of 8 by 8 pixels that come with scikit-learn."""

    name: Literal["digits"]
    shift: int = Field(ge=0, lt=8)


class Mnist(Pictures):
    """MNIST, or a data set of its form: ten classes, 28 by 28 pixels, and the test split of its authors.

    `validation` is a fraction of the authors' training split.
    """

    name: Literal["mnist", "fashion_mnist"]
    test: Literal["official"]
    shift: int = Field(ge=0, lt=28)
    classes: tuple[Digit, ...] | None
    """The labels to tell apart, in the order of their class indices; null means all ten."""

    @field_validator("classes")
    @classmethod
    def _at_least_two_distinct(cls, classes: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if classes is not None and (len(classes) < 2 or len(set(classes)) < len(classes)):
            raise ValueError("name at least two different labels from 0 to 9, or null for all ten")
        return classes


class SignPatterns(AllForTraining):
    """Patterns of +1 and -1 to be stored, each a class of its own."""

    reason = "each pattern is a class of its own and all are for training"
    standardize: Literal[False]
    """A standardised pattern would not be one of +1 and -1."""


class Patterns(SignPatterns):
    """Random patterns: every unit is +1 or -1 with equal chance, independently of all others."""

    name: Literal["patterns"]
    n: int = Field(ge=2, le=MOST)
    """How many patterns."""
    units: Count
    seed: Seed
    """Decides the patterns; the first of many are those of few."""


class DigitPrototypes(SignPatterns):
    """The ten mean images of MNIST's training digits, each pixel turned into +1 or -1."""

    name: Literal["digit_prototypes"]
    brightness: float = Field(gt=0, lt=1)
    """A pixel is +1 where the mean is brighter than this; 1 is white."""


class Languages(HeldOut):
    """Words of invented languages, to be told apart by what letter tends to follow which."""

    name: Literal["languages"]
    standardize: Literal[False]
    """A letter is a 1 in its column; standardised it would be none."""
    n: int = Field(ge=2, le=MOST)
    """Words in all, as many of each language as of any other, give or take one."""
    classes: int = Field(ge=2, le=26)
    """Languages."""
    letters: int = Field(ge=2, le=26)
    """Letters of the alphabet, which all languages share."""
    length: Count
    """Letters in each word."""
    contrast: float = Field(ge=0, le=100)
    """How much the languages prefer some neighbours to others; with 0 every letter is equally likely everywhere."""
    seed: Seed
    """Decides the languages and the words."""


DataConfig = Annotated[
    Gate
    | Boolean
    | Blobs
    | NoisyBlobs
    | Moons
    | Spirals
    | FarPoints
    | Patterns
    | Languages
    | Line
    | Sine
    | Table
    | RegressionTable
    | Digits
    | Mnist
    | DigitPrototypes,
    Field(discriminator="name"),
]
"""The `data` section of a config, told apart by `name`."""
