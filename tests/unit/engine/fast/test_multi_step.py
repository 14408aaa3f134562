"""Several steps in one graph: the same training, with what is due where it is due."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from data_utils.splits import Splits, TensorSplit
from engine import Run, Trainer
from engine.checkpoint.file import load_checkpoint
from engine.config import ExperimentConfig
from engine.fast.multi_step import MultiStepper, compile_steps
from engine.runs.metrics_log import read_rows
from engine.runs.run import Options
from experiment.training import train
from utils.errors import RunError

Batch = tuple[Tensor, Tensor]
ADAM = {"name": "adam", "lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0}

BF16 = {"device": "cpu", "strategy": "none", "precision": "bf16", "threads": None, "peak_flops": None}


class Network(nn.Module):
    """Two classes, one hidden layer."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(dropout), nn.Linear(4, 2))

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        scores = self.layers(batch[0])
        return {"loss": nn.functional.cross_entropy(scores, batch[1]), "size": scores.detach().square().mean()}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        scores = self.layers(batch[0])
        loss = nn.functional.cross_entropy(scores, batch[1])
        return {"predictions": scores.argmax(dim=1), "targets": batch[1], "loss": loss}


class Counting(Network):
    """Its loss depends on how often it was called."""

    calls = 0

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        self.calls += 1
        outputs = super().training_step(batch)
        return {**outputs, "loss": outputs["loss"] * (1 + self.calls)}


class Fixture:
    """Trains small networks and keeps what they leave."""

    def __init__(self, experiment: Callable[..., ExperimentConfig], outputs: Path) -> None:
        self.experiment, self.outputs = experiment, outputs

    def run(self, compile: str = "steps", seed: int = 0, **changes: Any) -> Run:
        trainer = {"duration": "4 epochs", "log_every": "7 steps", "compile": compile, **changes.pop("trainer", {})}
        config = self.experiment(trainer=trainer, seed=seed, **changes)
        return Run(self.outputs / "00_chapter", config, self.outputs, Options())

    def train(self, run: Run, kind: Callable[[], nn.Module] = Network) -> nn.Module:
        trainer = Trainer(run)
        model = kind()
        train(trainer.prepare(model, splits()))
        return model


def splits() -> Splits:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(100, 3, generator=generator)
    data = TensorSplit(inputs, (inputs.sum(dim=1) > 0).long())
    return Splits("small", data, None, None, {}, ("a", "b"), (), (), (3,), "0" * 16)


def rows(run: Run) -> list[dict[str, Any]]:
    found = read_rows(run.folders.logs / "metrics.jsonl")
    return [{k: v for k, v in row.items() if k != "seconds" and not k.startswith("speed/")} for row in found]


def assert_same_rows(ours: Run, theirs: Run) -> None:
    for a, b in zip(rows(ours), rows(theirs), strict=True):
        assert a == pytest.approx(b, rel=1e-4, abs=1e-5)


@pytest.fixture
def small(experiment: Callable[..., ExperimentConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fixture:
    # the compiler itself is for tests/integration/training/test_compile.py: it takes long, and cannot follow what
    # checks types
    monkeypatch.setattr(torch, "compile", lambda step, **_: step)
    return Fixture(experiment, tmp_path)


SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {"optimizer": ADAM},
    "clipped": {"trainer": {"clip_norm": 0.1}},
    "averaged": {"trainer": {"ema_decay": 0.9}},
    "scheduled": {"scheduler": {"name": "cosine", "warmup": "5 steps", "final": 0.1}},
    "due all over": {"trainer": {"evaluate_every": "4 steps", "checkpoint": {"every": "5 steps", "minutes": None}}},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_chunks_leave_what_single_steps_leave(name: str, small: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    plain, chunked = small.run("none", **SETTINGS[name]), small.run(**SETTINGS[name])
    expected = small.train(plain)
    with caplog.at_level(logging.INFO):
        trained = small.train(chunked)
    assert "steps into one graph" in caplog.text
    for ours, theirs in zip(trained.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    assert_same_rows(chunked, plain)
    last, wanted = (load_checkpoint(each.folders.models / "model_last.pt") for each in (chunked, plain))
    assert last["optimizers"]["all"].keys() == wanted["optimizers"]["all"].keys()
    for ours, theirs in zip(*(each["optimizers"]["all"]["state"].values() for each in (last, wanted)), strict=True):
        assert ours.keys() == theirs.keys()


class Stopped(Exception):
    """The end of a training that is going to be resumed."""


def test_a_resumed_run_takes_the_same_chunks_and_ends_with_the_same_bits(
    small: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"optimizer": ADAM, "trainer": {"checkpoint": {"every": "9 steps", "minutes": None}}}
    unbroken, broken = small.run(**changes), small.run(**changes)
    expected = small.train(unbroken)
    account = Trainer.after_steps

    def stop(self: Trainer, taken: Any) -> None:
        account(self, taken)
        if self.position.step >= 30:
            raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "after_steps", stop)
        with pytest.raises(Stopped):
            small.train(broken)
    resumed = Run(broken.chapter, broken.config, broken.outputs, Options(resume=True), broken.run_id)
    trained = small.train(resumed)
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), expected.parameters(), strict=True))
    assert rows(resumed) == rows(unbroken)


def test_no_chunk_reaches_beyond_what_is_due_or_into_a_smaller_batch(small: Fixture) -> None:
    seen: list[tuple[int, int]] = []
    run = small.run(trainer={"duration": "2 epochs", "evaluate_every": "9 steps"})
    trainer = Trainer(run).prepare(Network(), splits())
    compile_steps(trainer)
    assert isinstance(trainer.stepper, MultiStepper)
    step = 0
    while step < trainer.learner.plan.total:
        seen.append((step, max(1, trainer.stepper.length(step))))
        step += seen[-1][1]
    # 13 steps an epoch, the 13th and the 26th smaller; a line every 7 steps, an evaluation every 9, chunks of 7
    assert seen == [(0, 1), (1, 6), (7, 2), (9, 3), (12, 1), (13, 1), (14, 4), (18, 3), (21, 4), (25, 1)]


@pytest.mark.parametrize(
    ("changes", "kind", "reason"),
    [
        ({"trainer": {"accumulate": 2}}, Network, "trainer.accumulate is 2"),
        ({"trainer": {"log_every": "2 steps"}}, Network, "something is due every 2 steps"),
        (
            {
                "hardware": {
                    "device": "cpu",
                    "strategy": "none",
                    "precision": "bf16",
                    "threads": None,
                    "peak_flops": None,
                }
            },
            Network,
            "hardware.precision is bf16",
        ),
        ({}, lambda: Network(dropout=0.5), "training_step makes random draws"),
        ({}, Counting, "other values than single steps"),
    ],
    ids=["accumulation", "due all the time", "precision", "dropout", "a count"],
)
def test_where_chunks_do_not_apply_one_line_says_why_and_training_goes_on_as_ever(
    changes: dict[str, Any],
    kind: Callable[[], nn.Module],
    reason: str,
    small: Fixture,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        run = small.run(**changes)
        trained = small.train(run, kind)
    (line,) = [record.message for record in caplog.records if "does not apply" in record.message]
    assert line.startswith("trainer.compile=steps does not apply: ") and reason in line
    plain = small.run("none", **changes)
    expected = small.train(plain, kind)
    if kind is not Counting:  # the trial counts too
        assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), expected.parameters(), strict=True))
        assert rows(run) == rows(plain)


@pytest.mark.parametrize("compile", ["steps", "model"])
def test_a_compiler_that_fails_costs_one_line(
    compile: str, small: Fixture, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no C++ compiler\nand much more")

    monkeypatch.setattr(torch, "compile", lambda step, **_: fail)
    with caplog.at_level(logging.INFO):
        run = small.run(compile)
        trained = small.train(run)
    lines = [record.message for record in caplog.records if "does not apply" in record.message]
    assert len(lines) == (1 if compile == "steps" else 2)  # training_step and evaluation_step
    assert "RuntimeError: no C++ compiler" in lines[0] and "much more" not in lines[0]
    expected = small.train(small.run("none"))
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), expected.parameters(), strict=True))


def test_a_value_that_is_not_finite_stops_the_run_at_its_step(small: Fixture) -> None:
    run = small.run(optimizer={"name": "sgd", "lr": 1e30, "momentum": 0, "nesterov": False, "weight_decay": 0})
    with pytest.raises(RunError, match="at step"):
        small.train(run)
    assert json.loads((run.folders.models / "metrics.json").read_text())["status"] == "failed"
