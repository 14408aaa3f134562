"""Where learning starts: the first weights of a layer.

Equation numbers are those of docs/deep_dive.md.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from config import InitialisationConfig, Normal, Uniform


def first_weights(config: InitialisationConfig, fan_in: int, fan_out: int) -> Float[Tensor, "fan_in fan_out"]:
    """Draw the weights of one layer, from torch's global generator, which the run's seed has set.

    Args:
        config: Which distribution.
        fan_in: Units below.
        fan_out: Units of the layer.
    """
    weights = torch.empty(fan_in, fan_out)
    if isinstance(config, Normal):
        return weights.normal_(0, config.sd)
    if isinstance(config, Uniform):
        return weights.uniform_(-config.limit, config.limit)
    if config.name == "zeros":
        return weights.zero_()
    # exercise first-weights: the draws of equations (16), named glorot, and (17), named he, into `weights`
    if config.name == "glorot":
        # (16)  uniform between ±√(6 / (fan_in + fan_out)), whose variance is 2 / (fan_in + fan_out)
        limit = math.sqrt(6 / (fan_in + fan_out))
        return weights.uniform_(-limit, limit)
    # (17)  normal with variance 2 / fan_in
    return weights.normal_(0, math.sqrt(2 / fan_in))
    # end exercise
