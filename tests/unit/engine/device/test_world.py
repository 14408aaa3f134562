"""What one process can check of a run by several: who speaks, who takes part, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from engine.checkpoint.resolve import newest_checkpoint
from engine.config import HardwareConfig
from engine.device.fsdp import shard_model
from engine.device.world import World, join, launch_hint
from utils import ranks
from utils.errors import InputError, RunError


def hardware(strategy: str, device: str = "cpu") -> HardwareConfig:
    settings = {"device": device, "strategy": strategy, "precision": "fp32", "threads": None, "peak_flops": None}
    return HardwareConfig.model_validate(settings)


@pytest.fixture
def two_ranks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int], None]:
    """Makes this process the one of two that torchrun started with this rank."""

    def become(rank: int) -> None:
        (tmp_path / str(rank)).mkdir(exist_ok=True)
        said = {"TORCHELASTIC_RUN_ID": "none", "WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank)}
        said["LOCAL_WORLD_SIZE"] = "2"
        said["TORCHELASTIC_ERROR_FILE"] = str(tmp_path / str(rank) / "error.json")
        for name, value in said.items():
            monkeypatch.setenv(name, value)

    return become


def test_the_first_rank_to_ask_speaks_for_all(two_ranks: Callable[[int], None]) -> None:
    two_ranks(1)
    assert (ranks.is_main(), ranks.speaks_for_all()) == (False, True)
    two_ranks(0)
    assert (ranks.is_main(), ranks.speaks_for_all()) == (True, False)


def test_one_process_speaks_whenever_it_has_something_to_say() -> None:
    assert [ranks.speaks_for_all(), ranks.speaks_for_all(), ranks.is_main()] == [True, True, True]
    assert ranks.world_size() == 1


def test_one_process_is_a_world_whatever_the_strategy() -> None:
    with join(hardware("fsdp")) as world:
        assert (world.rank, world.size, world.is_main) == (0, 1, True)
        assert (world.gather(3), world.from_main(lambda: 4)) == ([3], 4)


def test_it_is_said_how_to_start_several(two_ranks: Callable[[int], None]) -> None:
    assert "torchrun --standalone --nproc-per-node 2" in str(launch_hint(hardware("ddp")))
    assert launch_hint(hardware("none")) is None
    two_ranks(0)
    assert launch_hint(hardware("ddp")) is None


def test_several_processes_need_a_strategy_and_a_device_for_each(
    two_ranks: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    two_ranks(0)
    with pytest.raises(InputError, match="started 2 processes, but hardware"), join(hardware("none")):
        pass
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for device in ("mps", "auto"):
        with pytest.raises(InputError, match="mps cannot be shared"), join(hardware("ddp", device)):
            pass


@pytest.mark.parametrize(("device", "gpus"), [("cuda", 0), ("cuda", 1), ("auto", 1)])
def test_all_ranks_are_refused_where_one_would_have_no_gpu(
    device: str, gpus: int, two_ranks: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    for rank in (0, 1):
        two_ranks(rank)
        message = f"torchrun started 2 where there are {gpus}: lower --nproc-per-node, or use hardware.device=cpu"
        with pytest.raises(InputError, match=message), join(hardware("ddp", device)):
            pass


def test_losing_another_rank_is_one_line_and_a_defect_stays_one() -> None:
    world = World(rank=1, size=2)
    with pytest.raises(RunError, match="rank 1 lost contact with another process"), world.contact():
        raise RuntimeError("[../gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:4921")
    with pytest.raises(ZeroDivisionError), world.contact():
        raise ZeroDivisionError
    with pytest.raises(InputError, match="a mistake"), world.contact():
        raise InputError("a mistake about gloo")


class OwnRule(nn.Module):
    """Makes its own update."""

    automatic_optimization = False


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_model_that_makes_its_own_update_is_refused(strategy: str, experiment: Callable[..., Any]) -> None:
    config = experiment(hardware=hardware(strategy).model_dump())
    with pytest.raises(InputError, match=f"its own update, which hardware.strategy {strategy} cannot share"):
        shard_model(OwnRule(), config, World())


def test_a_run_without_a_checkpoint_has_no_newest_one(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path) is None
