"""`Splits`: a data set in memory, as tensors for training, validation and testing, and what they mean."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from data_utils.description import Counts, Description, Scale
from data_utils.standardize import Standardization
from utils.errors import InputError, unknown

STANDARDISED = ", standardised"
"""Suffix of a column's name where its numbers are standardised."""


@dataclass(frozen=True)
class TensorSplit:
    """Examples in memory: a map-style dataset of (input, target) pairs."""

    inputs: Float32[Tensor, "n *shape"]
    targets: Int64[Tensor, " n"] | Float32[Tensor, "n outputs"]
    """Class indices, from 0; or numbers, for regression."""

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(
        self, index: int
    ) -> tuple[Float32[Tensor, "*shape"], Int64[Tensor, ""] | Float32[Tensor, " outputs"]]:
        return self.inputs[index], self.targets[index]

    def to(self, device: torch.device | str) -> "TensorSplit":
        """The same examples on `device`."""
        return TensorSplit(self.inputs.to(device), self.targets.to(device))


@dataclass(frozen=True)
class Splits(Counts):
    """A data set, split."""

    name: str
    """The data set, as the config calls it."""
    train: TensorSplit
    validation: TensorSplit | None
    """None where the config holds nothing out for it; the same for `test`."""
    test: TensorSplit | None
    indices: dict[str, Int64[Tensor, " m"]]
    """For each split, which examples of the whole data set it holds, ascending."""
    class_names: tuple[str, ...]
    """One name for each class; empty for regression."""
    target_names: tuple[str, ...]
    """One name for each number of a target; empty for classes."""
    feature_names: tuple[str, ...]
    """One name for each column of a table; empty for images and text."""
    input_shape: tuple[int, ...]
    """The shape of one input: (features,) for a table, (channels, height, width) for images, (length, letters) for
    text."""
    fingerprint: str
    """16 hex digits that identify the raw examples and the config; the same on every machine."""
    standardization: Standardization | None = None
    """How the inputs were standardised, for a plot in the original units; None where they were not."""
    target_standardization: Standardization | None = None
    """How the targets of a regression were standardised; None where they were not."""

    @cached_property
    def description(self) -> Description:
        """Metadata of the data, in the units of its source."""
        inputs = self.train.inputs.flatten(2) if self.train.inputs.ndim > 2 else self.train.inputs[..., None]
        low, high = (extreme.reshape(1, -1) for extreme in (inputs.amin((0, 2)), inputs.amax((0, 2))))
        if self.standardization is not None:
            entries = Standardization(*(part.reshape(1, -1) for part in self.standardization.parts()))
            low, high = entries.invert(low.cpu()), entries.invert(high.cpu())
        low, high = low.nan_to_num(), high.nan_to_num()  # the training that meets a bad value will name it
        return Description(
            name=self.name,
            class_names=self.class_names,
            target_names=_plain(self.target_names),
            feature_names=_plain(self.feature_names),
            input_shape=self.input_shape,
            low=tuple(low.flatten().tolist()),
            high=tuple(high.flatten().tolist()),
            fingerprint=self.fingerprint,
            standardization=_scale(self.standardization),
            target_standardization=_scale(self.target_standardization),
        )

    def split(self, name: str) -> TensorSplit:
        """The split called train, validation or test.

        Raises:
            InputError: There is no split of that name, or nothing was held out for it.
        """
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        if name not in splits:
            raise unknown("split", name, splits)
        examples = splits[name]
        if examples is None:
            present = ", ".join(other for other, split in splits.items() if split is not None)
            raise InputError(
                f"{self.name} has no {name} split: set data.{name} above 0, or use what there is: {present}"
            )
        return examples

    def evaluation(self, name: str) -> tuple[str, TensorSplit]:
        """The split to evaluate on when asked for `name`, under the name it really has.

        A data set with nothing held out, such as a gate with its four points, answers with its training split.

        Raises:
            InputError: See `split`.
        """
        if name in ("validation", "test") and self.validation is None and self.test is None:
            return "train", self.train
        return name, self.split(name)


def _plain(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.removesuffix(STANDARDISED) for name in names)


def _scale(standardization: Standardization | None) -> Scale | None:
    if standardization is None:
        return None
    mean, scale = (tuple(part.flatten().tolist()) for part in standardization.parts())
    return Scale(mean=mean, scale=scale)
