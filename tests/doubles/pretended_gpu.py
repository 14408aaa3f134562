"""Runs a script on a device that refuses what a GPU refuses, though its tensors lie on the CPU.

    python tests/doubles/pretended_gpu.py models/03_mlp/src/train.py --experiment xor ...

A calculation with tensors of two devices fails, and so does NumPy on a tensor of the device. What kernels of a GPU
compute, how fast, and in which precision is not to be seen here.
"""

import runpy
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils import _pytree as pytree
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from engine.config import HardwareConfig
from engine.device.hardware import Hardware

_NAME = "pretended"
_aten = torch.ops.aten
_COPIES = {_aten.copy_.default, _aten._to_copy.default}
_INDEXED = {_aten.index.Tensor, _aten.index_put_.default, _aten._index_put_impl_.default}  # by indices on the CPU too
_JOINED = {_aten.stack.default, _aten.cat.default}  # for which single numbers of the CPU are no exception

_setup_privateuseone_for_python_backend(_NAME)


class Pretended(Tensor):
    """A tensor of the device; `held` has its values."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "Pretended":
        tensor = Tensor._make_wrapper_subclass(
            cls, held.shape, strides=held.stride(), dtype=held.dtype, device=torch.device(_NAME, 0)
        )
        tensor.held = held
        return tensor

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _call(func, args, kwargs or {})

    def numpy(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu()")

    def tolist(self) -> Any:
        return self.held.tolist()

    def untyped_storage(self) -> Any:
        return self.held.untyped_storage()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.held.detach().__reduce_ex__(protocol)


class _Factories(TorchDispatchMode):
    """Sees also what makes a tensor of none."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _call(func, args, kwargs or {})


def _call(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """`func` on the CPU, where its tensors are of one device."""
    tensors = [each for each in pytree.tree_leaves((args, kwargs)) if isinstance(each, Tensor)]
    ours = [each for each in tensors if isinstance(each, Pretended)]
    others = [each for each in tensors if not isinstance(each, Pretended) and (each.dim() > 0 or func in _JOINED)]
    indexed = func in _INDEXED and isinstance(args[0], Pretended)
    if ours and others and not indexed and func not in _COPIES:
        raise RuntimeError(f"Expected all tensors to be on the same device, but found {_NAME} and cpu in {func}")
    result_is_ours = isinstance(args[0], Pretended) if func is _aten.copy_.default else bool(ours)
    if kwargs.get("device") is not None:
        result_is_ours = torch.device(kwargs["device"]).type == _NAME
        kwargs = kwargs | {"device": torch.device("cpu")}
    result = func(*_mapped(_held, args), **_mapped(_held, kwargs))
    if not result_is_ours:
        return result
    if torch.Tag.inplace_view in func.tags:  # another shape for what is changed in place
        with no_dispatch():
            func(*args, **kwargs)
    known = {id(each.held): each for each in ours}
    return _mapped(lambda held: known[id(held)] if id(held) in known else Pretended(held), result)


def _held(tensor: Tensor) -> Tensor:
    return tensor.held if isinstance(tensor, Pretended) else tensor


def _mapped(change: Callable[[Tensor], Tensor], nested: Any) -> Any:
    return pytree.tree_map_only(Tensor, change, nested)


class _OnTheDevice(Hardware):
    """Whatever the config says, but on the device."""

    def __init__(self, config: HardwareConfig, index: int | None = None) -> None:
        super().__init__(config, index)
        self.device = torch.device(_NAME, 0)

    def autocast(self) -> AbstractContextManager[None]:
        return torch.autocast("cpu", dtype=self.dtype, enabled=self.dtype is not None)


if __name__ == "__main__":
    script, sys.argv = sys.argv[1], sys.argv[1:]
    sys.path[0] = str(Path(script).resolve().parent)
    with mock.patch("engine.trainer.Hardware", _OnTheDevice), _Factories():
        runpy.run_path(script, run_name="__main__")
