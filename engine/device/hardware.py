"""Where a run computes: the device, its threads and its precision."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import torch
import yaml

from engine.config import HardwareConfig
from utils.errors import InputError, unknown

Result = TypeVar("Result")

_PEAKS = Path(__file__).with_name("peak_flops.yaml")
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Hardware:
    """A device that is really there.

    Args:
        config: Which kind, and how exactly.
        index: Which one of several GPUs; None is torch's current one.

    Raises:
        InputError: The config names a device that this machine lacks, or a precision that the device lacks.
    """

    def __init__(self, config: HardwareConfig, index: int | None = None) -> None:
        name = present(config.device, "hardware.device", "hardware=auto")
        if config.precision == "fp16" and name == "cpu":
            raise InputError("hardware.precision fp16 needs a GPU; use bf16 or fp32 on the CPU")
        if config.threads is not None:
            torch.set_num_threads(config.threads)
        self.device = torch.device(name) if index is None or name != "cuda" else torch.device(name, index)
        self.dtype = _DTYPES.get(config.precision)
        self.config = config
        # fp16 loses small gradients without a loss scale; with fp32 and bf16 the scaler is a no-op.
        self.scaler = torch.amp.GradScaler(name, enabled=config.precision == "fp16")

    @property
    def peak_flops(self) -> float | None:
        """Operations per second that the device can do at most; None where neither config nor table say."""
        return self.config.peak_flops or known_peak_flops(self.device, self.config.precision)

    def autocast(self) -> AbstractContextManager[None]:
        """The precision of forward passes."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype is not None)

    def cast(self, forward: Callable[..., Result]) -> Callable[..., Result]:
        """`forward`, always in the precision of forward passes; in fp32 that is `forward` itself."""
        if self.dtype is None:
            return forward

        def within(*arguments: Any) -> Result:
            with self.autocast():
                return forward(*arguments)

        return within

    def describe(self) -> str:
        """One phrase for the log."""
        name = torch.cuda.get_device_name() if self.device.type == "cuda" else self.device.type
        threads = f", {torch.get_num_threads()} threads" if self.device.type == "cpu" else ""
        return f"{name}{threads}, {str(self.dtype).removeprefix('torch.') if self.dtype else 'float32'}"


def present(name: str, setting: str, auto: str) -> str:
    """The device called `name`, which this machine has; of `auto` the fastest kind.

    Args:
        name: auto, cpu, cuda or mps.
        setting: What names it, for the message.
        auto: How to ask for any device, for the message.

    Raises:
        InputError: There is no such device here.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, found in available.items() if found)
    if name not in available:
        raise unknown("device", name, ["auto", *available])
    if not available[name]:
        here = ", ".join(device for device, found in available.items() if found)
        raise InputError(f"{setting} is {name}, but this machine has only {here}; use {auto}")
    return name


def known_peak_flops(device: torch.device, precision: str) -> float | None:
    """Operations per second that the maker of `device` states for `precision`; None where the table has none."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    for row in yaml.safe_load(_PEAKS.read_text()):
        if name in row["names"] and precision in row["teraflops"]:
            return float(row["teraflops"][precision]) * 1e12
    return None
