"""The exponential moving average of the weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class EMA:
    """Averages a model's parameters: ā ← d·ā + (1 − d)·θ after each step.

    The decay d is a function of the step, min(decay, (1 + step) / (10 + step)), so that a short run is not an average
    of its initial weights.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._parameters = {name: p for name, p in model.named_parameters() if p.is_floating_point()}
        self._average = {name: p.detach().clone() for name, p in self._parameters.items()}
        first_names = {p: name for name, p in self._parameters.items()}
        every_name = model.named_parameters(remove_duplicate=False)
        self._first_names = {name: first_names[p] for name, p in every_name if p in first_names}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after step number `step` (from 0)."""
        current = [p.detach() for p in self._parameters.values()]
        torch._foreach_lerp_(list(self._average.values()), current, 1 - self.decay_at(step))

    def decay_at(self, step: int) -> float:
        """The decay d of step number `step` (from 0)."""
        return min(self.decay, (1 + step) / (10 + step))

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The averaged weights themselves, by name."""
        return self._average

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within this, the model has the averaged weights."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self._parameters.items():
            held = parameter.detach().clone()
            parameter.copy_(self._average[name])
            self._average[name].copy_(held)

    @torch.no_grad()
    def move_to(self, tensors: dict[str, Tensor]) -> None:
        """Keep the averaged weights in `tensors` from here on."""
        for name, held in self._average.items():
            tensors[name].copy_(held)
        self._average = tensors

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged weights by name, tied ones under each of their names."""
        return {name: self._average[first] for name, first in self._first_names.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a `state_dict`."""
        for name, value in state.items():
            self._average[self._first_names[name]].copy_(value)
