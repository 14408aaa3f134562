"""Inputs at mean 0 and standard deviation 1, as measured on the training split and nowhere else."""

from dataclasses import dataclass

import torch
from jaxtyping import Float32, Float64
from torch import Tensor

_ROWS = 256  # at a time, so that the float64 intermediates stay small beside the data


@dataclass(frozen=True)
class Standardization:
    """A shift and a scale for each entry of dimension 1: the columns of a table, the channels of images.

    Both are kept in float64, so that `invert(apply(x))` is `x` up to float32 rounding.
    """

    mean: Float64[Tensor, "1 *entries"]
    scale: Float64[Tensor, "1 *entries"]

    @classmethod
    def fit(cls, inputs: Float32[Tensor, "n entries *rest"]) -> "Standardization":
        """Measure `inputs`: the training split.

        The standard deviation is that of the population (divided by n). An entry that never changes gets the scale 1:
        it becomes 0 on the training split, and stays finite elsewhere.
        """
        over = tuple(dim for dim in range(inputs.ndim) if dim != 1)
        mean = inputs.mean(over, keepdim=True, dtype=torch.float64)
        squares = sum((rows - mean).square().sum(over, keepdim=True) for rows in inputs.split(_ROWS))
        deviation = (squares * inputs.shape[1] / inputs.numel()).sqrt()
        constant = inputs.amax(over, keepdim=True) == inputs.amin(over, keepdim=True)
        return cls(
            torch.where(constant, inputs.amax(over, keepdim=True).double(), mean),  # the mean may be a rounding off
            torch.where(constant, 1.0, deviation),
        )

    def parts(self) -> tuple[Float64[Tensor, "1 *entries"], Float64[Tensor, "1 *entries"]]:
        """Mean and scale."""
        return self.mean, self.scale

    def apply(self, inputs: Float32[Tensor, "n entries *rest"]) -> Float32[Tensor, "n entries *rest"]:
        """`(inputs - mean) / scale`."""
        standardized = torch.empty_like(inputs)
        for rows, result in zip(inputs.split(_ROWS), standardized.split(_ROWS), strict=True):
            result.copy_((rows - self.mean) / self.scale)
        return standardized

    def invert(self, standardized: Float32[Tensor, "n entries *rest"]) -> Float32[Tensor, "n entries *rest"]:
        """`standardized * scale + mean`: the original units."""
        inputs = torch.empty_like(standardized)
        for rows, result in zip(standardized.split(_ROWS), inputs.split(_ROWS), strict=True):
            result.copy_(rows * self.scale + self.mean)
        return inputs
