"""The whole computation from raw numbers to outputs, as one module: what is served, and what is exported."""

from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from data_utils.description import Description, Scale
from data_utils.sections import Images
from data_utils.transforms import pixel_order
from inference.chapter import Serving


class Pipeline(nn.Module):
    """Prepares inputs as the training data was prepared, asks the model, and puts numbers back into their units.

    Args:
        model: The chapter's model with its weights.
        serving: The chapter's `serving.py`.
        data: What the model learned from.
        config: The `data` section of its config.
    """

    def __init__(self, model: nn.Module, serving: Serving, data: Description, config: Any) -> None:
        super().__init__()
        self.model = model
        self._outputs = serving.outputs
        self.input_shape = data.input_shape
        self.input_mean: Tensor | None
        self.input_scale: Tensor
        self.target_mean: Tensor | None
        self.target_scale: Tensor
        self._keep_scale("input", data.standardization, len(data.input_shape))
        self._keep_scale("target", data.target_standardization, 1)
        seed = config.permute_pixels if isinstance(config, Images) else None
        order = None if seed is None else torch.from_numpy(pixel_order(seed, data.n_features // data.input_shape[0]))
        self.order: Tensor | None
        self._keep("order", order)

    def forward(self, x: Float[Tensor, "batch *shape"]) -> dict[str, Shaped[Tensor, "batch *rest"]]:
        """The chapter's outputs for examples in the units of their source."""
        outputs = self._outputs(self.model, self.prepare(x))
        if self.target_mean is not None and "values" in outputs:
            values = outputs["values"] * self.target_scale + self.target_mean
            outputs = outputs | {"values": values.to(x.dtype)}
        return outputs

    def prepare(self, x: Float[Tensor, "batch *shape"]) -> Float[Tensor, "batch *shape"]:
        """Examples in the units of their source, as the model learned from them."""
        if self.order is not None:
            x = x.flatten(2)[..., self.order].reshape(x.shape)
        if self.input_mean is not None:
            x = ((x - self.input_mean) / self.input_scale).to(x.dtype)
        return x

    def _keep_scale(self, name: str, scale: Scale | None, dimensions: int) -> None:
        """The shift and the scale [1, entries, 1, …], in double precision as they were fitted."""
        for part in ("mean", "scale"):
            values = None if scale is None else torch.tensor(getattr(scale, part), dtype=torch.float64)
            shape = (1, -1, *[1] * (dimensions - 1))
            self._keep(f"{name}_{part}", None if values is None else values.reshape(shape))

    def _keep(self, name: str, values: Tensor | None) -> None:
        """As a buffer, or as None: torch.export miscounts buffers of which some are None."""
        if values is None:
            setattr(self, name, None)
        else:
            self.register_buffer(name, values)
