"""Optimizers by name."""

import inspect
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

from engine.config import Adam, ExperimentConfig, OptimizerConfig, Sgd
from utils.errors import InputError, unknown


def build_optimizers(config: ExperimentConfig, model: nn.Module) -> dict[str, torch.optim.Optimizer]:
    """The optimizers of a run: one named "all", one for each named submodule, or none.

    Raises:
        InputError: The config names a submodule that the model lacks, or gives none to a model that needs an optimizer.
    """
    if config.optimizer is not None:
        return {"all": _build(config.optimizer, model.parameters())}
    children = dict(model.named_children())
    for name in config.optimizers:
        if name not in children:
            raise unknown("submodule in optimizers", name, children)
    if getattr(model, "automatic_optimization", True):
        raise InputError("this model learns by gradient descent: choose an optimizer, such as optimizer=adam")
    return {name: _build(each, children[name].parameters()) for name, each in config.optimizers.items()}


def _build(config: OptimizerConfig, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    trained = list(parameters)
    # a parameter that is split over ranks has no fused kernel in SGD
    fused = all(each.device.type in ("cpu", "cuda") and not hasattr(each, "full_tensor") for each in trained)
    if isinstance(config, Sgd):
        return _eager(torch.optim.SGD)(
            trained,
            lr=config.lr,
            momentum=config.momentum,
            nesterov=config.nesterov,
            weight_decay=config.weight_decay,
            fused=fused,
        )
    assert isinstance(config, Adam)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[config.name]
    return _eager(kind)(
        trained, lr=config.lr, betas=config.betas, eps=config.eps, weight_decay=config.weight_decay, fused=fused
    )


@cache
def _eager(kind: type[torch.optim.Optimizer]) -> Any:
    """`kind` without what its methods do for the compiler, and without the profiler's label while nobody profiles.

    Its first object would import the compiler, which takes as long as importing torch, and every step would tell the
    compiler and the profiler of itself, which takes as long as the update of a small network. Hooks work as ever.
    """
    update = torch.no_grad()(inspect.unwrap(kind.step))
    in_full = torch.optim.Optimizer.profile_hook_step(update)

    class Eager(kind):  # type: ignore[valid-type, misc]
        add_param_group, zero_grad = inspect.unwrap(kind.add_param_group), inspect.unwrap(kind.zero_grad)
        state_dict, load_state_dict = inspect.unwrap(kind.state_dict), inspect.unwrap(kind.load_state_dict)

        def step(self, closure: Callable[[], Any] | None = None) -> Any:
            watched = self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks or _is_watched()
            return (in_full if watched else update)(self, closure)

        step.hooked = True  # type: ignore[attr-defined]  # or torch would put its own wrapper around it

    Eager.__name__ = Eager.__qualname__ = kind.__name__
    return Eager


def _is_watched() -> bool:
    """Whether all optimizers have hooks, or the profiler is on."""
    return torch.autograd.profiler._is_profiler_enabled or bool(
        _global_optimizer_pre_hooks or _global_optimizer_post_hooks
    )
