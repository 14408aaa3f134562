"""Several seeds in one process: each run is the one that its seed makes alone."""

import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from data_utils.batches import Batches, replica_epoch
from data_utils.splits import Splits, TensorSplit
from engine import Run, Trainer
from engine.checkpoint.file import load_checkpoint
from engine.config import ExperimentConfig
from engine.fast.ensemble import train_together
from engine.runs.metrics_log import read_rows
from engine.runs.run import Options, read_summary
from utils.errors import Interrupted, RunError

Batch = tuple[Tensor, Tensor]
ADAM = {"name": "adam", "lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}
SEEDS = (3, 0, 7)


class Network(nn.Module):
    """Two classes, one hidden layer, and a buffer that each step changes."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Linear(3, 4), nn.Tanh(), nn.BatchNorm1d(4), nn.Dropout(dropout), nn.Linear(4, 2))
        )

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        scores = self.layers(batch[0])
        return {"loss": nn.functional.cross_entropy(scores, batch[1]), "size": scores.detach().square().mean()}

    def evaluation_step(self, batch: Batch) -> dict[str, Tensor]:
        scores = self.layers(batch[0])
        loss = nn.functional.cross_entropy(scores, batch[1])
        return {"predictions": scores.argmax(dim=1), "targets": batch[1], "loss": loss}


class Branching(Network):
    """Asks a tensor which way to go."""

    def training_step(self, batch: Batch) -> dict[str, Tensor]:
        outputs = super().training_step(batch)
        return outputs if float(outputs["loss"].detach()) > 0 else {"loss": -outputs["loss"], "size": outputs["size"]}


class Own(Network):
    """Makes its own update."""

    automatic_optimization = False

    def training_step(self, batch: Batch, optimizers: Any) -> dict[str, Tensor]:  # type: ignore[override]
        return {"loss": super().training_step(batch)["loss"]}


def splits() -> Splits:
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(50, 3, generator=generator)
    data = TensorSplit(inputs, (inputs.sum(dim=1) > 0).long())
    return Splits("small", data, None, None, {}, ("a", "b"), (), (), (3,), "0" * 16)


class Bench:
    """Trains seeds together, and alone."""

    def __init__(self, experiment: Callable[..., ExperimentConfig], outputs: Path) -> None:
        self.experiment, self.outputs = experiment, outputs

    def run(self, where: str, seed: int, **changes: Any) -> Run:
        trainer = {"duration": "4 epochs", "log_every": "5 steps", **changes.get("trainer", {})}
        config = self.experiment(**{**changes, "seed": seed, "trainer": trainer})
        return Run(self.outputs / "00_chapter", config, self.outputs / where, Options())

    def alone(self, kind: Callable[[], nn.Module] = Network, **changes: Any) -> list[Run]:
        runs = [self.run("alone", seed, **changes) for seed in SEEDS]
        for run in runs:
            trainer = Trainer(run)
            trainer.prepare(kind(), splits()).train()
        return runs

    def together(self, kind: Callable[[], nn.Module] = Network, **changes: Any) -> list[Run]:
        runs = [self.run("together", seed, **changes) for seed in SEEDS]

        def prepared(run: Run) -> Trainer:
            trainer = Trainer(run)
            return trainer.prepare(kind(), splits())

        train_together(map(prepared, runs))
        return runs


@pytest.fixture
def bench(experiment: Callable[..., ExperimentConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(torch, "compile", lambda step, **_: step)
    return Bench(experiment, tmp_path)


def rows(run: Run) -> list[dict[str, Any]]:
    found = read_rows(run.folders.logs / "metrics.jsonl")
    return [{k: v for k, v in row.items() if k != "seconds" and not k.startswith("speed/")} for row in found]


def last(run: Run) -> dict[str, Any]:
    return load_checkpoint(run.folders.models / "model_last.pt")


def assert_same(ours: Run, theirs: Run) -> None:
    for a, b in zip(rows(ours), rows(theirs), strict=True):
        assert a == pytest.approx(b, rel=1e-4, abs=1e-5)
    a, b = last(ours), last(theirs)
    for part in ("model", "average"):
        for name in b[part] or {}:
            torch.testing.assert_close(a[part][name], b[part][name], rtol=1e-5, atol=1e-5)
    for one, other in zip(*(each["optimizers"]["all"]["state"].values() for each in (a, b)), strict=True):
        for key, value in other.items():
            torch.testing.assert_close(one[key], value, rtol=1e-4, atol=1e-5)
    assert torch.equal(a["random"]["torch"], b["random"]["torch"])
    assert a["optimizers"]["all"]["param_groups"] == b["optimizers"]["all"]["param_groups"]


SETTINGS: dict[str, dict[str, Any]] = {
    "sgd": {},
    "adam": {"optimizer": ADAM},
    "momentum, clipped": {
        "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
        "trainer": {"clip_norm": 0.1},
    },
    "averaged, scheduled": {
        "trainer": {"ema_decay": 0.9},
        "scheduler": {"name": "cosine", "warmup": "5 steps", "final": 0.1},
    },
    "chunks": {"optimizer": ADAM, "trainer": {"compile": "steps", "ema_decay": 0.9, "clip_norm": 0.5}},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_seeds_that_train_together_leave_what_each_leaves_alone(
    name: str, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        together = bench.together(**SETTINGS[name])
    assert "training 3 seeds together" in caplog.text
    assert ("steps into one graph" in caplog.text) == (name == "chunks")
    for ours, theirs in zip(together, bench.alone(**SETTINGS[name]), strict=True):
        assert_same(ours, theirs)
        assert read_summary(ours.outputs, ours.run_id)["status"] == "finished"


def test_a_checkpoint_of_one_replica_holds_one_replica(bench: Bench) -> None:
    sizes = [[(run.folders.models / "model_last.pt").stat().st_size for run in runs]
             for runs in (bench.together(optimizer=ADAM), bench.alone(optimizer=ADAM))]  # fmt: skip
    assert max(sizes[0]) < 1.1 * min(sizes[1])


@pytest.mark.parametrize(
    ("kind", "changes", "reason"),
    [
        (Own, {"optimizer": None}, "the model makes its own update"),
        (lambda: Network(dropout=0.5), {}, "training_step makes random draws"),
        (Branching, {}, "Error"),
        (Network, {"trainer": {"accumulate": 2}}, "trainer.accumulate is 2"),
        (Network, {"trainer": {"overfit_batches": 2}}, "they do not train on the same examples"),
    ],
    ids=["own update", "dropout", "branches", "accumulation", "other examples"],
)
def test_seeds_that_cannot_train_together_train_one_after_the_other_with_one_line_why(
    kind: Callable[[], nn.Module], changes: dict[str, Any], reason: str, bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        runs = bench.together(kind, **changes)
    (line,) = [record.message for record in caplog.records if "cannot train together" in record.message]
    assert reason in line
    for ours, theirs in zip(runs, bench.alone(kind, **changes), strict=True):
        assert rows(ours) == rows(theirs)
        assert all(torch.equal(value, last(theirs)["model"][name]) for name, value in last(ours)["model"].items())


def test_a_seed_that_fails_does_not_stop_the_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    after_steps = Trainer.after_steps

    def fail(self: Trainer, taken: Any) -> None:
        if self.config.seed == 0 and self.position.step >= 10:
            raise RunError("the disk is full")
        after_steps(self, taken)

    monkeypatch.setattr(Trainer, "after_steps", fail)
    with pytest.raises(RunError, match="seed 0: the disk is full"):
        bench.together()
    statuses = [read_summary(bench.outputs / "together", path.name)["status"] for path in _folders(bench)]
    assert sorted(statuses) == ["failed", "finished", "finished"]


def test_a_signal_stops_all_and_each_can_be_resumed_by_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    after_steps = Trainer.after_steps

    def stop(self: Trainer, taken: Any) -> None:
        after_steps(self, taken)
        if self.config.seed == SEEDS[0] and self.position.step >= 10:
            self.stop.signals.received = signal.SIGTERM

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "after_steps", stop)
        with pytest.raises(Interrupted, match="each run is resumed by itself") as caught:
            bench.together(optimizer=ADAM)
    assert caught.value.exit_code == 143
    expected = {run.config.seed: run for run in bench.alone(optimizer=ADAM)}
    for folder in _folders(bench):
        assert read_summary(bench.outputs / "together", folder.name)["status"] == "interrupted"
        seed = int(folder.name.split("-")[1])
        config = bench.run("together", seed, optimizer=ADAM).config
        run = Run(bench.outputs / "00_chapter", config, bench.outputs / "together", Options(resume=True), folder.name)
        Trainer(run).prepare(Network(), splits()).train()
        assert_same(run, expected[seed])


def test_each_train_log_tells_of_its_own_run(bench: Bench) -> None:
    for run in bench.together():
        told = (run.folders.logs / "train.log").read_text()
        assert run.run_id in told
        assert all(other not in told for other in (each.name for each in _folders(bench)) if other != run.run_id)


def test_an_epoch_of_replicas_has_for_each_the_batches_of_its_seed() -> None:
    data = splits().train
    alone = [Batches(data, 8, seed, torch.device("cpu"), workers=0) for seed in SEEDS]
    for together, *each in zip(replica_epoch(alone, 2), *(batches.epoch(2) for batches in alone), strict=True):
        for number, batch in enumerate(each):
            assert all(torch.equal(part[number], own) for part, own in zip(together, batch, strict=True))


def _folders(bench: Bench) -> list[Path]:
    return sorted((bench.outputs / "together/models").iterdir())
