"""What the record says about how fast a run is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

from data_utils.batches import Batch
from engine.device import hardware
from engine.device.hardware import known_peak_flops
from engine.loop.metric_buffer import MetricBuffer
from engine.loop.step import ManualStep
from engine.loop.timer import Throughput

TABLE = yaml.safe_load(Path(hardware.__file__).with_name("peak_flops.yaml").read_text())


class Products(nn.Module):
    """Its step is one product of 3 with 4 for each example."""

    automatic_optimization = False

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 4), requires_grad=False)

    def training_step(self, batch: Batch, optimizers: dict[str, Any]) -> dict[str, Tensor]:
        return {"loss": (batch[0] @ self.weight).sum()}


def counted(cpu: hardware.Hardware, batches: Sequence[Batch], peak: float | None = None) -> Throughput:
    speed = Throughput(peak)
    speed.counted(ManualStep(Products(), {}, cpu))(batches, 1, False)
    return speed


def test_before_a_step_was_counted_only_examples_are_told() -> None:
    assert Throughput(peak_flops=1e12).rates(20, None, 4.0) == {"speed/examples_per_second": 5.0}


def test_tokens_are_told_where_the_model_counts_them() -> None:
    assert Throughput(None).rates(20, 600.0, 4.0)["speed/tokens_per_second"] == 150.0


def test_what_a_step_took_is_told_for_each_example(cpu: hardware.Hardware) -> None:
    """So that the last batch of an epoch, which may be small, is not taken for a whole one."""
    speed = counted(cpu, [(torch.ones(5, 3),)])
    assert speed.flops_per_example == 2 * 3 * 4
    rates = speed.rates(10, None, 2.0)
    assert rates == {"speed/examples_per_second": 5.0, "speed/flops_per_second": 5.0 * 24}


def test_the_share_of_the_peak_is_told_where_the_peak_is_known(cpu: hardware.Hardware) -> None:
    assert counted(cpu, [(torch.ones(5, 3),)], peak=480.0).rates(10, None, 2.0)["speed/mfu"] == 0.25


def test_a_model_without_a_product_has_no_flops(cpu: hardware.Hardware) -> None:
    class Elementwise(Products):
        def training_step(self, batch: Batch, optimizers: dict[str, Any]) -> dict[str, Tensor]:
            return {"loss": batch[0].sum()}

    speed = Throughput(peak_flops=1e12)
    speed.counted(ManualStep(Elementwise(), {}, cpu))([(torch.ones(5, 3),)], 1, False)
    assert speed.rates(10, None, 2.0).keys() == {"speed/examples_per_second"}


def test_a_counted_step_gives_what_an_uncounted_one_gives(cpu: hardware.Hardware) -> None:
    step, batches = ManualStep(Products(), {}, cpu), [(torch.ones(5, 3),)]
    assert Throughput(None).counted(step)(batches, 1, False) == step(batches, 1, False)


def test_a_window_knows_the_items_in_it() -> None:
    window = MetricBuffer(gradients_are_scaled=False)
    assert window.seen()[1] is None
    window.add(1, 4, {"loss": torch.tensor(1.0)})
    assert window.seen()[1] is None
    window.add(2, 4, {"loss": torch.tensor(1.0), "items": torch.tensor(30)})
    window.add(3, 4, {"loss": torch.tensor(1.0), "items": torch.tensor(12)})
    assert window.seen()[1] == 42.0
    window.flush()
    assert window.seen()[1] is None


# ---- the table of peaks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "precision", "peak"),
    [
        ("NVIDIA A100-SXM4-80GB", "bf16", 312e12),
        ("NVIDIA A100-SXM4-80GB", "fp32", 19.5e12),
        ("NVIDIA L40S", "fp16", 362e12),
        ("Tesla T4", "bf16", None),  # no tensor core of it does
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "bf16", None),  # a slice
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "bf16", None),  # another chip
    ],
)
def test_a_gpu_is_known_by_its_whole_name(
    monkeypatch: pytest.MonkeyPatch, name: str, precision: str, peak: float | None
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    assert known_peak_flops(torch.device("cuda"), precision) == peak


def test_nobody_states_the_peak_of_a_cpu() -> None:
    assert known_peak_flops(torch.device("cpu"), "fp32") is None


def test_every_row_of_the_table_has_names_rates_and_its_source() -> None:
    for row in TABLE:
        assert row.keys() == {"names", "teraflops", "source"} and row["names"] and row["source"]
        assert row["teraflops"].keys() <= {"fp32", "bf16", "fp16"}
        assert 1 < row["teraflops"]["fp32"] < row["teraflops"]["fp16"] < 1e4
    names = [name for row in TABLE for name in row["names"]]
    assert len(names) == len(set(names))
