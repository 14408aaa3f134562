"""Metadata of a data set: what a model needs to know of it to be built, asked and understood.

It is in every checkpoint, so that a model answers where its data is not.
"""

from math import prod
from typing import Literal

from utils.schema import Strict


class Counts:
    """Numbers of features, classes and outputs, from the names and the shape of an input."""

    class_names: tuple[str, ...]
    target_names: tuple[str, ...]
    input_shape: tuple[int, ...]

    @property
    def n_features(self) -> int:
        """Numbers in one input."""
        return prod(self.input_shape)

    @property
    def n_classes(self) -> int:
        """Classes, whether or not each has examples in every split; 0 for regression."""
        return len(self.class_names)

    @property
    def n_outputs(self) -> int:
        """Numbers in one target of a regression; 0 for classes."""
        return len(self.target_names)


class Scale(Strict):
    """A shift and a scale for each entry, as in `Standardization`."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]


class Description(Counts, Strict):
    """Metadata of a data set, in the units of its source."""

    name: str
    class_names: tuple[str, ...]
    """One name for each class; empty for regression."""
    target_names: tuple[str, ...]
    """One name for each number of a target; empty for classes."""
    feature_names: tuple[str, ...]
    """One name for each column of a table; empty for images and text."""
    input_shape: tuple[int, ...]
    """The shape of one input: (features,), (channels, height, width), or (length, letters)."""
    low: tuple[float, ...]
    """The smallest value of each entry of dimension 1 (columns of a table, channels) in the training split."""
    high: tuple[float, ...]
    """The largest value of each entry."""
    fingerprint: str
    """Identifies the raw examples and the config."""
    standardization: Scale | None
    """Shift and scale of the inputs a model learned from; None where they are used as they are."""
    target_standardization: Scale | None
    """The same for the targets of a regression."""

    @property
    def kind(self) -> Literal["table", "text", "image"]:
        """Kind of one input, as the rank of its shape tells it."""
        kinds: dict[int, Literal["table", "text", "image"]] = {1: "table", 2: "text", 3: "image"}
        return kinds[len(self.input_shape)]
