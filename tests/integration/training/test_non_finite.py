"""A value that is not finite stops the run, and the message says when, on which examples, and where it began."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from data_utils import load
from data_utils.batches import epoch_order
from engine import Trainer
from engine.checkpoint.file import load_checkpoint
from tests.doubles.bench import NETWORK, PERCEPTRON, Bench
from tests.doubles.half_on_cpu import HalfOnCpu
from utils.errors import RunError

BAD = 17  # the example that is out of order
MARK = 1e6


@pytest.fixture(autouse=True)
def tidy() -> Iterator[None]:
    yield
    torch.set_deterministic_debug_mode("default")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(NETWORK, tmp_path / "outputs")


def stopped_by(bench: Bench, value: float, *overrides: str, model: type | None = None) -> tuple[str, int]:
    """Train with an input of `value`; returns the message, and the step of the first epoch that has the example."""
    config = bench.config("blobs", *overrides)
    splits = load(config.data)
    splits.train.inputs[BAD] = value
    trainer = Trainer(bench.run(config))
    network = bench.model(config, splits.n_features)
    if model is not None:
        network.__class__ = model
    with pytest.raises(RunError) as caught:
        trainer.prepare(network, splits).train()
    message = str(caught.value)
    assert "\n" not in message
    size = config.trainer.batch_size * config.trainer.accumulate
    order = epoch_order(len(splits.train), config.seed, 0).tolist()
    return message, order.index(BAD) // size + 1


def examples_in(message: str) -> list[int]:
    found = re.search(r"was on training examples ([\d, ]+?)(, \.\.\.)?$", message)
    assert found is not None, message
    return [int(number) for number in found[1].split(",")]


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("trainer.checkpoint.every=1 step",),
        ("trainer.checkpoint.every=1 step", "seed=1"),
        ("trainer.batch_size=4", "trainer.accumulate=2"),
        ("model.dropout=0.5",),
    ],
    ids=["no checkpoint yet", "at once", "after a checkpoint", "accumulation", "dropout"],
)
def test_a_bad_example_is_named(bench: Bench, overrides: tuple[str, ...]) -> None:
    message, step = stopped_by(bench, float("nan"), *overrides)
    assert f"the loss is nan at step {step}: lower" in message
    assert f"; first, at step {step}, the loss and the gradient of layers.3.bias; step {step} was on" in message
    assert BAD in examples_in(message)


def test_with_a_few_batches_a_bad_example_has_the_number_that_it_has_among_all(bench: Bench) -> None:
    config = bench.config("blobs")
    order = epoch_order(len(load(config.data).train), config.seed, 0).tolist()
    batches = order.index(BAD) // config.trainer.batch_size + 1
    message, _ = stopped_by(bench, float("nan"), f"trainer.overfit_batches={batches}")
    named = examples_in(message)
    assert BAD in named
    assert set(named) <= set(order[: batches * config.trainer.batch_size])


class InfiniteGradient(nn.Module):
    """A network whose loss is finite on the marked example, and one of whose gradients is not."""

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        inputs, targets = batch
        marked = (inputs == MARK).any()
        loss = nn.functional.cross_entropy(self.layers(inputs.clamp(-9, 9)), targets)  # type: ignore[operator]
        return {"loss": loss + marked * (self.layers[0].weight.sum() * 0).sqrt()}  # type: ignore[index, union-attr]

    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"predictions": torch.zeros_like(batch[1]), "targets": batch[1]}


@pytest.mark.parametrize("log_every", ["1 step", "1 epoch"])
def test_the_first_parameter_with_a_bad_gradient_is_named(bench: Bench, log_every: str) -> None:
    message, step = stopped_by(bench, MARK, f"trainer.log_every={log_every}", model=InfiniteGradient)
    assert f"; first, at step {step}, the gradient of layers.0.weight; step {step} was on" in message
    assert BAD in examples_in(message)


def test_steps_are_taken_again_at_the_learning_rates_that_they_had(bench: Bench) -> None:
    rates: list[float] = []
    handle = register_optimizer_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    try:
        settings = ("scheduler=step", "scheduler.every=2 steps", "trainer.checkpoint.every=2 steps", "optimizer.lr=1.0")
        _, step = stopped_by(bench, float("nan"), *settings, "seed=1")
    finally:
        handle.remove()
    assert step == 5  # after the checkpoint of step 4, and seen when step 6 is logged
    assert rates == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.01])


class NeverFiniteGradient(InfiniteGradient):
    """A network whose loss is finite, and one of whose gradients is not, on every example."""

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return super().training_step((torch.full_like(batch[0], MARK), batch[1]))


@pytest.mark.parametrize("change", ["trainer.checkpoint.every=null", "trainer.checkpoint.every=5 steps"])
def test_a_gradient_that_no_loss_scale_of_fp16_makes_finite_is_named(
    bench: Bench, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.trainer.Hardware", HalfOnCpu)
    changes = ("trainer.duration=20 epochs", "trainer.log_every=6 steps", change)
    message, _ = stopped_by(bench, 0.0, *changes, model=NeverFiniteGradient)
    # 2^22, halved at each step, is first less than 1 in step 24, the last of a window
    assert message.startswith("the gradient of steps 19 to 24 is not finite, though the loss scale of fp16 is down to ")
    assert "; first, at step 24, the gradient of layers.0.weight; step 24 was on training examples" in message


def test_what_the_loss_scale_of_fp16_overflows_is_not_named(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.trainer.Hardware", HalfOnCpu)
    message, step = stopped_by(bench, float("nan"), "trainer.clip_norm=1.0", "trainer.batch_size=4", "seed=1")
    assert step > 4  # the first ones overflow
    assert f"; first, at step {step}, the loss; step {step} was on" in message


def test_a_model_with_a_rule_of_its_own_names_its_weights(tmp_path: Path) -> None:
    message, step = stopped_by(Bench(PERCEPTRON, tmp_path), float("inf"), "trainer.duration=1 epoch")
    assert f"first, at step {step}, the " in message
    assert BAD in examples_in(message)


def test_all_examples_of_the_step_are_in_the_log_and_no_checkpoint_is_spoiled(bench: Bench) -> None:
    stopped_by(bench, float("nan"), "trainer.batch_size=16", "trainer.checkpoint.every=1 step")
    (run_id,) = [path.name for path in (bench.outputs / "models").iterdir()]
    folder = bench.outputs / "models" / run_id
    log = (bench.outputs / "logs" / run_id / "train.log").read_text()
    listed = re.search(r"step \d+ was on examples \[([\d, ]+)\] of the training split", log)
    assert listed is not None
    assert len(listed[1].split(",")) == 16
    for path in folder.glob("*.pt"):
        assert all(weights.isfinite().all() for weights in load_checkpoint(path)["model"].values())
