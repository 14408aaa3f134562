"""Two ranks that compare what they do together with what one process does; prints a line of JSON on rank 0.

Each check is a function whose name is a statement; it returns what went wrong, or nothing.
"""

import copy
import json
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.distributed as dist
from torch import Tensor, nn

from data_utils.batches import Batches
from data_utils.splits import TensorSplit
from engine.checkpoint.file import digest
from engine.checkpoint.sharded import finish_save, gathered, load_sharded, save_sharded, verify_sharded
from engine.config import ExperimentConfig, HardwareConfig
from engine.device.fsdp import shard_model, unsharded
from engine.device.hardware import Hardware
from engine.device.world import World, join
from engine.evaluation.evaluator import Evaluator
from engine.loop.distributed_step import build_shared_update
from engine.loop.metric_buffer import MetricBuffer, NonFinite
from engine.loop.optimizers import build_optimizers
from engine.loop.stopping import StopAgreement
from tests.doubles.half_on_cpu import HalfOnCpu
from utils.ranks import leave
from utils.schema import Strict

N, CPU = 23, torch.device("cpu")
FOLDER = Path(sys.argv[1])
BASE: dict[str, Any] = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))


class NoSettings(Strict):
    """A model without settings."""


class Network(nn.Module):
    """Mean squared error; an example counts for as many items as its target says where they are counted."""

    def __init__(self, counts: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 1))
        self.counts = counts

    def training_step(self, batch: Any) -> dict[str, Tensor]:
        inputs, targets = batch
        errors = (self.layers(inputs)[:, 0] - targets).square()
        if not self.counts:
            return {"loss": errors.mean()}
        items = targets.sum()
        return {"loss": (errors * targets).sum() / items.clamp(min=1), "items": items}

    def evaluation_step(self, batch: Any) -> dict[str, Tensor]:
        inputs, targets = batch
        predictions = self.layers(inputs)[:, 0]
        return {"predictions": predictions, "targets": targets, "loss": (predictions - targets).square().mean()}


def config(strategy: str = "none", precision: str = "fp32", **trainer: Any) -> ExperimentConfig:
    settings = copy.deepcopy(BASE)
    settings["trainer"] |= trainer
    settings["hardware"] |= {"strategy": strategy, "precision": precision}
    settings["optimizer"] = {"name": "adam", "lr": 0.05, "betas": [0.9, 0.99], "eps": 1e-8, "weight_decay": 0}
    return ExperimentConfig[NoSettings].model_validate(settings)


def data() -> TensorSplit:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(N, 3, generator=generator)
    return TensorSplit(inputs, torch.randint(0, 4, (N,), generator=generator))


class Training:
    """A few steps by the parts that a trainer is made of."""

    def __init__(self, world: World, settings: ExperimentConfig, counts: bool) -> None:
        self.config, self.world = settings, world
        self.hardware = Hardware(settings.hardware)
        self.model = Network(counts)
        shard_model(self.model, settings, world)
        self.optimizers = build_optimizers(settings, self.model)
        self.update = build_shared_update(settings, self.model, self.optimizers, self.hardware, world)
        size = settings.trainer.batch_size
        self.batches = Batches(data(), size, 0, CPU, 0, world.rank, world.size)
        self.window = MetricBuffer(False, world)

    def go(self, steps: int) -> "Training":
        for number, group in enumerate(islice(self.batches.steps(0, 0, self.config.trainer.accumulate), steps)):
            for batch, output in zip(group, self.update(group, 1.0, want_norm=True), strict=True):
                self.window.add(number + 1, getattr(batch, "n_local", len(batch[0])), output)
        return self

    def weights(self) -> list[Tensor]:
        with unsharded(self.model):
            return [parameter.detach().clone() for parameter in self.model.parameters()]


def distance(ours: list[Tensor], theirs: list[Tensor]) -> float:
    return max(float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=True))


def the_weights_are_those_of_one_process(world: World) -> list[str]:
    problems = []
    for strategy in ("ddp", "fsdp"):
        for counts in (False, True):
            # the last batch of an epoch has one example, for two ranks
            for size, accumulate, clip in ((22, 1, None), (11, 2, 0.1), (4, 6, None)):
                trainer = {"batch_size": size, "accumulate": accumulate, "clip_norm": clip}
                alone = Training(World(), config(**trainer), counts).go(5)
                shared = Training(world, config(strategy, **trainer), counts).go(5)
                apart = distance(alone.weights(), shared.weights())
                rows = alone.window.flush(), shared.window.flush()
                far = {name for name in rows[0].keys() | rows[1].keys() if abs(rows[0][name] - rows[1][name]) > 1e-5}
                if apart > 1e-5 or far:
                    problems.append(f"{strategy} counts={counts} size={size}: {apart:.2g} apart, means differ: {far}")
    return problems


def bfloat16_follows_one_process(world: World) -> list[str]:
    exact = Training(World(), config(batch_size=8), False).go(6).weights()
    alone = Training(World(), config(precision="bf16", batch_size=8), False).go(6).weights()
    shared = Training(world, config("ddp", "bf16", batch_size=8), False).go(6).weights()
    error, apart = distance(alone, exact), distance(shared, alone)
    return [] if error > 0 and apart <= 2 * error else [f"rounding costs {error:.2g}, sharing {apart:.2g}"]


def ranks_skip_the_same_steps_of_fp16(world: World) -> list[str]:
    ends = []
    for strategy in ("ddp", "fsdp"):
        with mock.patch(f"{__name__}.Hardware", HalfOnCpu):
            training = Training(world, config(strategy, batch_size=8), False).go(12)
        ends.append((training.hardware.scaler.get_scale(), digest(training.weights())))
    scales = {scale for rank in world.gather(ends) for scale, _ in rank}
    bits = [{each for _, each in ranks} for ranks in zip(*world.gather(ends), strict=True)]
    return [] if len(scales) == 1 and scales != {2.0**22} and all(len(each) == 1 for each in bits) else [f"{ends}"]


def gradients_are_exchanged_once_a_step(world: World) -> list[str]:
    problems = []
    for counts in (False, True):
        training = Training(world, config("ddp", batch_size=4, accumulate=3), counts)
        copied = training.update.synchronised.__closure__  # type: ignore[union-attr]
        exchanges: list[int] = []
        (ddp,) = [cell.cell_contents for cell in copied or () if isinstance(cell.cell_contents, nn.Module)]
        ddp.register_comm_hook(exchanges, note_and_average)
        with mock.patch.object(dist, "all_reduce", wraps=dist.all_reduce) as sums:
            training.go(2)
        ours = sums.call_count - len(exchanges)
        if (len(exchanges), ours) != (2, 2 * counts):
            problems.append(f"counts={counts}: {len(exchanges)} exchanges and {ours} sums of counts in two steps")
    return problems


def note_and_average(exchanges: list[int], bucket: dist.GradBucket) -> torch.futures.Future[Tensor]:
    """What DDP does by itself with a bucket of gradients, noted."""
    exchanges.append(1)
    summed = dist.all_reduce(bucket.buffer().div_(dist.get_world_size()), async_op=True)
    return summed.get_future().then(lambda future: future.value()[0])


def an_evaluation_is_that_of_one_process(world: World) -> list[str]:
    problems = []
    for strategy in ("ddp", "fsdp"):
        training = Training(world, config(strategy), False)
        alone = Evaluator(training.hardware, ["mean_absolute_error"], 11, 2).evaluate(Network(False), data())
        names = ["mean_absolute_error", "r2_score"]
        shared = Evaluator(training.hardware, names, 11, 2, world).evaluate(training.model, data())
        if any(abs(value - shared.metrics[name]) > 1e-6 for name, value in alone.metrics.items()):
            problems.append(f"{strategy}: {shared.metrics} instead of {alone.metrics}")
        if not torch.allclose(alone.predictions, shared.predictions) or not torch.equal(alone.targets, shared.targets):
            problems.append(f"{strategy}: the predictions are not in the order of the split")
    return problems


def a_bad_value_on_one_rank_stops_all_with_one_message(world: World) -> list[str]:
    window = MetricBuffer(False, world)
    for step in (1, 2, 3):
        window.add(step, 2, {"loss": torch.tensor(float("nan") if (step, world.rank) == (2, 1) else 1.0)})
    try:
        window.flush()
    except NonFinite as error:
        return [] if error.step == 2 else [str(error)]
    return ["nothing was raised"]


def ranks_agree_on_a_signal_without_meeting_at_each_step(world: World) -> list[str]:
    signals, timer = mock.Mock(received=None), mock.Mock(save_is_due=world.is_main)
    agreement = StopAgreement(world, signals, timer)
    for _ in range(1000):
        agreement.check()
    met = agreement.meetings
    if world.rank == 1:
        signals.received = 15
    agreement.check_next()
    agreement.check()
    return (
        []
        if met <= 50 and agreement.signal == 15 and agreement.save_is_due
        else [f"{met} meetings, {agreement.signal}"]
    )


def a_sharded_checkpoint_comes_back_whole_and_split(world: World) -> list[str]:
    from torch.distributed.tensor import Shard, empty

    training = Training(world, config("fsdp"), False).go(3)
    state = {"all": training.optimizers["all"].state_dict()}
    content = {"step": 3, "model": training.model.state_dict(), "optimizers": state, "plain": [1, "two", None]}
    before = digest(gathered(content, keep=True))
    pending = save_sharded(FOLDER, content, world.is_main, dist.new_group(backend="gloo"))
    training.go(1)  # what is written is what was there before
    finish_save(pending, FOLDER)
    path = FOLDER / "model_last-3.dcp"
    verify_sharded(path)
    alone = load_sharded(path, lambda shape, dtype: torch.empty(shape, dtype=dtype))
    mesh = next(training.model.parameters()).device_mesh  # type: ignore[attr-defined]
    split = load_sharded(
        path, lambda shape, dtype: empty(shape, dtype=dtype, device_mesh=mesh, placements=[Shard(0)]), together=True
    )
    found = {"whole": digest(alone), "split": digest(gathered(split, keep=True))}
    leftovers = [each.name for each in FOLDER.iterdir() if each.name.startswith(".")]
    return [f"{how}: other bits" for how, value in found.items() if value != before] + leftovers


CHECKS: list[Callable[[World], list[str]]] = [
    the_weights_are_those_of_one_process,
    bfloat16_follows_one_process,
    ranks_skip_the_same_steps_of_fp16,
    gradients_are_exchanged_once_a_step,
    an_evaluation_is_that_of_one_process,
    a_bad_value_on_one_rank_stops_all_with_one_message,
    ranks_agree_on_a_signal_without_meeting_at_each_step,
    a_sharded_checkpoint_comes_back_whole_and_split,
]


def main() -> None:
    """Run every check on every rank."""
    with join(HardwareConfig(device="cpu", strategy="ddp", precision="fp32", threads=None, peak_flops=None)) as world:
        found = {check.__name__: world.gather(check(world)) for check in CHECKS}
        if world.is_main:
            print(json.dumps({name: [each for rank in ranks for each in rank] for name, ranks in found.items()}))


if __name__ == "__main__":
    main()
    leave(0)
