"""Where a run computes: the device and the precision that were asked for, or one clear line."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from engine.config import HardwareConfig
from engine.device.hardware import Hardware
from utils.errors import InputError


@pytest.fixture(autouse=True)
def _as_many_threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Pretends that this machine has certain accelerators."""

    def has(*devices: str) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in devices)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in devices)

    return has


def hardware(
    device: str = "cpu", precision: str = "fp32", threads: int | None = None, peak_flops: float | None = None
) -> Hardware:
    return Hardware(
        HardwareConfig.model_validate(
            {"device": device, "strategy": "none", "precision": precision, "threads": threads, "peak_flops": peak_flops}
        )
    )


@pytest.mark.parametrize(
    ("devices", "chosen"), [((), "cpu"), (("cuda",), "cuda"), (("mps",), "mps"), (("mps", "cuda"), "cuda")]
)
def test_auto_takes_the_fastest_there_is(machine: Any, devices: tuple[str, ...], chosen: str) -> None:
    machine(*devices)
    assert hardware("auto").device.type == chosen


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused_with_what_is(machine: Any, device: str) -> None:
    machine()
    with pytest.raises(InputError, match=f"hardware.device is {device}, but this machine has only cpu; use hardware="):
        hardware(device)


def test_half_precision_needs_a_gpu() -> None:
    with pytest.raises(InputError, match="fp16 needs a GPU; use bf16 or fp32 on the CPU"):
        hardware(precision="fp16")


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_forward_passes_have_the_precision_that_was_asked_for(precision: str, dtype: torch.dtype) -> None:
    layer = torch.nn.Linear(2, 2)
    with hardware(precision=precision).autocast():
        assert layer(torch.ones(1, 2)).dtype == dtype
    assert layer.weight.dtype == torch.float32


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_without_half_precision_no_loss_is_scaled(precision: str) -> None:
    scaler = hardware(precision=precision).scaler
    assert not scaler.is_enabled()
    assert scaler.scale(torch.tensor(3.0)).item() == 3.0


def test_half_precision_scales_the_loss(machine: Any) -> None:
    machine("cuda")
    assert hardware("cuda", "fp16").scaler.is_enabled()


def test_the_threads_are_as_many_as_asked_for() -> None:
    hardware(threads=2)
    assert torch.get_num_threads() == 2
    hardware(threads=None)
    assert torch.get_num_threads() == 2


def test_the_peak_that_the_config_names_goes_before_the_known_one(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("cuda")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA L4")
    assert hardware("cuda").peak_flops == 30.3e12
    assert hardware("cuda", peak_flops=7e12).peak_flops == 7e12
    assert hardware("cpu").peak_flops is None


def test_the_log_can_say_where_it_computes() -> None:
    assert hardware(precision="bf16", threads=1).describe() == "cpu, 1 threads, bfloat16"
    assert hardware(threads=2).describe() == "cpu, 2 threads, float32"
