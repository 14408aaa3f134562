"""A training from its first file to its last: what it leaves, how it stops, and that it goes on to the same bits."""

import json
import logging
import math
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from itertools import groupby
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from data_utils import load
from data_utils.batches import Batches
from data_utils.splits import TensorSplit
from engine import Run, Trainer
from engine.checkpoint.compare import differences, run_digests
from engine.checkpoint.content import trained_weights
from engine.checkpoint.file import save_checkpoint
from engine.checkpoint.manager import CheckpointManager
from engine.claims.claim import Claim
from engine.config import ExperimentConfig, Sgd
from engine.device.hardware import Hardware
from engine.device.world import World
from engine.evaluation.evaluator import Evaluator
from engine.loop.stopping import StopAgreement
from engine.tracking import Trackers
from engine.tracking.base import Row, RunInfo
from tests.doubles.bench import NETWORK, PERCEPTRON, Bench, Outcome, untimed
from utils.errors import InputError, Interrupted, RunError

# The dummy chapter: 48 examples in batches of 8 are 6 steps an epoch, 18 in all; a log line every second step.
STEPS = 18


@pytest.fixture(scope="module", autouse=True)
def quick_and_tidy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRATCH_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.setattr(
            "os.fsync", lambda descriptor: None
        )  # most of the time, on a busy disk, and no power cut is tested
        yield
    torch.set_deterministic_debug_mode("default")  # a training switches this on for its process


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(NETWORK, tmp_path / "outputs")


def on_call(number: int, method: str, action: Callable[[], Any]) -> Callable[[nn.Module], None]:
    """Do `action` just before a model's `method` is called for the `number`th time."""

    def prepare(model: nn.Module) -> None:
        original, calls = getattr(model, method), iter(range(1, number))

        def wrapper(*arguments: Any) -> Any:
            if next(calls, None) is None and calls_left.pop("once", False):
                action()
            return original(*arguments)

        calls_left = {"once": True}
        setattr(model, method, wrapper)

    return prepare


def stop_at(call: int, method: str = "training_step") -> Callable[[nn.Module], None]:
    """Have SIGTERM arrive in the `call`th call of `method`."""
    return on_call(call, method, lambda: signal.raise_signal(signal.SIGTERM))


def fail_at(call: int, method: str = "training_step") -> Callable[[nn.Module], None]:
    """A defect in the `call`th call of `method`."""

    def crash() -> None:
        raise ZeroDivisionError("a defect")

    return on_call(call, method, crash)


def steps_with(rows: Sequence[Mapping[str, Any]], name: str) -> list[int]:
    return [row["step"] for row in rows if name in row]


# ---- what a run leaves behind ------------------------------------------------------------------------------------


def test_a_dummy_model_runs_through_the_engine_for_one_epoch(bench: Bench) -> None:
    outcome = bench.train(bench.run(bench.config("blobs", "trainer.duration=1 epoch")))
    assert outcome.summary["status"] == "finished"
    assert outcome.summary["step"] == 6


def test_a_run_leaves_the_files_of_b3(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    run = bench.run(bench.config("blobs", "tracking.tensorboard=true"), plots=("learning_curve",))
    outcome = bench.train(run)
    folders = run.folders
    assert {path.name for path in folders.models.iterdir()} == {
        "model_last.pt",
        "model_best.pt",
        "config.yaml",
        "metrics.json",
        "environment.json",
    }
    logs = {path.name.partition(".out")[0] for path in folders.logs.iterdir()}
    assert logs == {"train.log", "metrics.jsonl", "events"}
    assert [path.name for path in folders.visualizations.iterdir()] == ["learning_curve.png"]
    assert capsys.readouterr().out.startswith(f"run {run.run_id} finished\n  train/loss ")
    for line in ("A small network tells two clouds", "Network with 26 parameters", "training for 18 steps", "drew "):
        assert line in outcome.narrative


def test_a_plot_that_cannot_be_drawn_is_a_warning_and_the_others_are_drawn(
    bench: Bench, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = bench.train(bench.run(bench.config("blobs"), plots=("fit", "learning_curve")))
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    again = f"--checkpoint {outcome.run.run_id} --experiment blobs --split validation --plot fit"
    assert warning.startswith("the run is finished, but plot 'fit' was not drawn: plot 'fit' needs target_names, ")
    assert warning.endswith(f"; once that is mended, draw it with evaluate.py {again}") and "\n" not in warning
    assert outcome.summary["status"] == "finished"
    assert [path.name for path in outcome.run.folders.visualizations.iterdir()] == ["learning_curve.png"]
    assert capsys.readouterr().out.startswith(f"run {outcome.run.run_id} finished\n")


def test_a_model_that_cannot_be_plotted_has_still_been_trained(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def fall_over() -> None:
        raise ZeroDivisionError("a defect\nof the model")

    run = bench.run(bench.config("blobs"), plots=("learning_curve",), save_checkpoint=False)
    outcome = bench.train(run, prepare=lambda model: setattr(model, "plot_data", fall_over))
    (warning,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warning.endswith("plot 'learning_curve' was not drawn: ZeroDivisionError: a defect of the model")
    assert outcome.summary["status"] == "finished"


class OneLayer(nn.Module):
    """Learns the blobs; how it is evaluated is for others to say."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def training_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"loss": nn.functional.cross_entropy(self.layer(batch[0]), batch[1])}


def test_a_measure_that_is_not_finite_is_kept_in_strict_json_and_never_the_best(bench: Bench) -> None:
    class Unsound(OneLayer):
        """Its validation loss is infinite after the first epoch, and not a number after the second."""

        losses = iter([1.0, math.inf, math.nan, 2.0, 2.0])  # the last one for the plot

        def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            loss = torch.tensor(next(self.losses))
            return {"predictions": self.layer(batch[0]).argmax(1), "targets": batch[1], "loss": loss}

    changes = ("trainer.evaluate_on=[validation]", "trainer.monitor={metric: validation/loss, mode: min}")
    config = bench.config(
        "blobs", *changes, "trainer.metrics=[]", "trainer.batch_size=32", "trainer.early_stopping=null"
    )
    outcome = bench.train(bench.run(config, plots=("learning_curve",)), model=Unsound())

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    for path in (outcome.run.folders.logs / "metrics.jsonl", outcome.run.folders.models / "metrics.json"):
        for text in path.read_text().splitlines() if path.suffix == ".jsonl" else [path.read_text()]:
            json.loads(text, parse_constant=refuse)
    found = [row["validation/loss"] for row in outcome.rows if "validation/loss" in row]
    assert found == pytest.approx([1.0, math.inf, math.nan, 2.0], nan_ok=True)
    assert outcome.summary["best"]["value"] == 2.0  # untrained weights do not count
    assert (outcome.run.folders.visualizations / "learning_curve.png").exists()
    assert differences(run_digests(outcome.run.folders), run_digests(outcome.run.folders)) == []  # as a replay has it
    claim = Claim(
        kind="bound", metric="validation/loss", at_most=9.0, over="every seed, every epoch", because="a test of it"
    )
    assert [line.partition(",")[2] for line in claim.violations({0: outcome.rows})] == [
        " step 2: validation/loss is inf, claimed at most 9, off by inf",
        " step 4: validation/loss is nan, claimed at most 9, off by inf",
    ]


def test_the_summary_says_how_the_run_stands(bench: Bench) -> None:
    outcome = bench.train(bench.run(bench.config("blobs", "seed=3")))
    summary, evaluations = outcome.summary, [row for row in outcome.rows if "validation/loss" in row]
    assert summary["seed"] == 3
    assert summary["epoch"] == 3.0
    assert summary["parameters"] == 26
    assert summary["data"] == load(outcome.run.config.data).fingerprint
    assert summary["last"] == {name: value for name, value in evaluations[-1].items() if "/" in name}
    best = max(evaluations[1:], key=lambda row: row["validation/accuracy"])  # max takes the first of equals
    assert summary["best"] == {
        "metric": "validation/accuracy",
        "value": best["validation/accuracy"],
        "step": best["step"],
    }
    assert outcome.checkpoint("model_best.pt")["step"] == best["step"]
    assert outcome.checkpoint("model_last.pt")["step"] == STEPS


def test_the_saved_config_is_the_config_of_the_run(bench: Bench) -> None:
    from experiment.compose import read_config

    run = bench.run(bench.config("blobs", "tags=[night]"))
    bench.train(run)
    assert read_config(run.folders.models / "config.yaml", [], type(run.config.model)) == run.config


def test_an_evaluation_of_nothing_leaves_no_row(bench: Bench) -> None:
    nothing = bench.config("blobs", "trainer.evaluate_on=[]", "trainer.monitor=null")
    model = bench.model(nothing, n_features=3)
    model.measures = dict  # type: ignore[assignment]
    outcome = bench.train(bench.run(nothing), model=model)
    assert (
        steps_with(outcome.rows, "step") == steps_with(outcome.rows, "batch/loss") == [2, 4, 6, 8, 10, 12, 14, 16, 18]
    )
    assert outcome.summary["last"] == {}


def test_the_record_has_every_value_at_its_step(bench: Bench) -> None:
    rows = bench.train(bench.run(bench.config("blobs", "scheduler=cosine"))).rows
    assert steps_with(rows, "batch/loss") == [2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert steps_with(rows, "validation/loss") == [0, 6, 12, 18]
    logged, evaluated = ({*row} for row in (rows[1], rows[0]))
    where = {"step", "epoch", "seconds"}
    assert logged - where == {
        "batch/loss",
        "batch/weight",
        "optimizer/lr",
        "optimizer/gradient_norm",
        "speed/examples_per_second",
        "speed/flops_per_second",
    }
    assert evaluated - where == {
        "train/loss",
        "train/accuracy",
        "validation/loss",
        "validation/accuracy",
        "model/weight_norm",
    }
    for row in rows:
        assert row["epoch"] == pytest.approx(row["step"] / 6, abs=1e-6)
        if "optimizer/lr" in row:
            assert row["optimizer/gradient_norm"] > 0
            forward, backward = 2 * (3 * 4 + 4 * 2), 2 * (3 * 4 + 2 * 4 * 2)  # layers of 3 x 4 and 4 x 2
            flops_per_example = row["speed/flops_per_second"] / row["speed/examples_per_second"]
            assert flops_per_example == pytest.approx(forward + backward)
            last_step = row["step"] - 1  # the rate that the window's last step was made with
            assert row["optimizer/lr"] == pytest.approx(0.1 * (1 + math.cos(math.pi * last_step / STEPS)) / 2)


def test_a_log_window_is_never_longer_than_an_epoch(bench: Bench) -> None:
    outcome = bench.train(bench.run(bench.config("blobs", "trainer.log_every=1000 steps")))
    assert steps_with(outcome.rows, "batch/loss") == [6, 12, 18]


_READS = ("item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__", "__index__")


def test_nothing_is_read_from_the_device_between_two_log_lines(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a GPU each read would make the program wait for all that it has asked for."""
    step, reads = 0, set()

    def watched(read: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any, **options: Any) -> Any:
            reads.add(step)
            return read(*arguments, **options)

        return noted

    for name in _READS:
        monkeypatch.setattr(Tensor, name, watched(getattr(Tensor, name)))

    def count(model: nn.Module) -> None:
        learn = model.training_step

        def counted(batch: Any) -> Any:
            nonlocal step
            step += 1
            return learn(batch)  # type: ignore[operator]

        model.training_step = counted  # type: ignore[assignment]

    bench.train(bench.run(bench.config("blobs", "trainer.log_every=3 steps", "trainer.clip_norm=1.0")), prepare=count)
    assert step == STEPS and reads - {0} == {3, 6, 9, 12, 15, 18}


def test_batch_values_are_means_over_the_window(bench: Bench) -> None:
    each = bench.train(bench.run(bench.config("blobs", "trainer.log_every=1 step")))
    pairs = bench.train(bench.run(bench.config("blobs")))
    losses = [row["batch/loss"] for row in each.rows if "batch/loss" in row]
    means = [row["batch/loss"] for row in pairs.rows if "batch/loss" in row]
    assert means == pytest.approx([(a + b) / 2 for a, b in zip(losses[::2], losses[1::2], strict=True)])


def test_without_checkpoints_everything_else_is_there(bench: Bench) -> None:
    run = bench.run(bench.config("blobs"), save_checkpoint=False)
    outcome = bench.train(run)
    assert {path.name for path in run.folders.models.iterdir()} == {"config.yaml", "metrics.json", "environment.json"}
    assert outcome.summary["status"] == "finished"
    assert outcome.summary["best"] is not None


def test_where_nobody_looks_a_line_now_and_then_says_how_far_the_run_is(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("engine.runs.progress._SECONDS_BETWEEN_LINES", 0.0)
    with caplog.at_level(logging.INFO):
        outcome = bench.train(bench.run(bench.config("blobs")))
    last = next(row for row in reversed(outcome.rows) if "batch/loss" in row)
    (line,) = [record.getMessage() for record in caplog.records if "step 18 of 18" in record.getMessage()][:1]
    assert f"batch/loss {last['batch/loss']:.4g}" in line


def test_training_learns(bench: Bench) -> None:
    summary = bench.train(bench.run(bench.config("blobs", "trainer.duration=10 epochs"))).summary
    assert summary["last"]["train/accuracy"] > 0.85


# ---- settings ----------------------------------------------------------------------------------------------------


def test_early_stopping_waits_for_its_patience_and_no_longer(bench: Bench) -> None:
    config = bench.config(
        "blobs",
        "trainer.duration=50 epochs",
        "trainer.log_every=4 steps",
        "trainer.early_stopping={patience: 2, min_delta: 10.0}",
    )
    outcome = bench.train(bench.run(config))
    assert outcome.summary["status"] == "finished"
    assert outcome.summary["step"] == 18  # epoch 1 is the reference, 2 and 3 are no better
    assert steps_with(outcome.rows, "batch/loss")[-1] == 18  # the two steps since the last log line are not lost


def test_accumulating_equals_one_larger_batch(bench: Bench) -> None:
    still = ("model.dropout=0.0", "trainer.evaluate_on=[train]", "trainer.monitor=null", "scheduler=linear")
    whole = bench.train(bench.run(bench.config("blobs", *still, "trainer.batch_size=21")))
    parts = bench.train(bench.run(bench.config("blobs", *still, "trainer.batch_size=7", "trainer.accumulate=3")))
    assert parts.summary["step"] == whole.summary["step"] == 9  # 48 examples: 21, 21 and the 6 that are left
    for name, weights in whole.weights.items():
        torch.testing.assert_close(parts.weights[name], weights)
    for name in ("batch/loss", "optimizer/lr"):  # the rate too is a matter of steps, not of batches
        of_whole, of_parts = ([row[name] for row in outcome.rows if name in row] for outcome in (whole, parts))
        assert of_parts == pytest.approx(of_whole, rel=1e-5)


def test_the_moving_average_is_what_is_evaluated_and_loaded(bench: Bench) -> None:
    source = bench.train(bench.run(bench.config("blobs", "trainer.ema_decay=0.9")))
    content = source.checkpoint()
    assert set(content["average"]) == set(content["model"])
    assert not torch.equal(content["average"]["layers.0.weight"], content["model"]["layers.0.weight"])

    splits = load(source.run.config.data)
    model = bench.model(source.run.config, splits.n_features)
    model.load_state_dict(trained_weights(content))
    evaluator = Evaluator(Hardware(source.run.config.hardware), ["accuracy"], 8, splits.n_classes)
    measured = evaluator.evaluate(model, splits.split("validation")).metrics
    assert measured["loss"] == source.summary["last"]["validation/loss"]

    path = str(source.run.folders.models / "model_last.pt")
    successor = bench.train(bench.run(bench.config("blobs"), load_checkpoint=path))
    assert successor.rows[0]["validation/loss"] == source.summary["last"]["validation/loss"]


def test_a_checkpoint_may_be_named_by_path_or_run_or_as_the_latest(bench: Bench) -> None:
    config = bench.config("blobs", "trainer.monitor.metric=train/loss", "trainer.monitor.mode=min")
    older, newer = (bench.train(bench.run(config.model_copy(update={"seed": seed}))) for seed in (1, 2))
    references = {
        "latest": newer.summary["best"]["value"],
        older.run.run_id: older.summary["best"]["value"],
        str(older.run.folders.models / "model_last.pt"): older.summary["last"]["train/loss"],
    }
    for reference, loss in references.items():
        outcome = bench.train(Run(NETWORK, config, bench.outputs, bench.run(config, load_checkpoint=reference).options))
        assert outcome.rows[0]["train/loss"] == loss
        assert f"starting from the weights of {reference}" in outcome.narrative


def test_a_model_with_its_own_step_may_have_several_optimizers(bench: Bench) -> None:
    sgd = Sgd(name="sgd", lr=0.1, momentum=0.0, nesterov=False, weight_decay=0.0)
    changes = {"optimizer": None, "optimizers": {"left": sgd, "right": sgd.model_copy(update={"lr": 0.01})}}
    config = bench.config("blobs", "scheduler=linear").model_copy(update=changes)
    run = bench.run(config)
    outcome = bench.train(run, model=Duel())
    assert set(outcome.checkpoint()["optimizers"]) == {"left", "right"}
    rates = [row["optimizer/lr"] for row in outcome.rows if "optimizer/lr" in row]
    assert rates == pytest.approx([0.1 * (1 - step / STEPS) for step in range(1, STEPS, 2)])
    gaps = [row["batch/gap"] for row in outcome.rows if "batch/gap" in row]
    assert 4 > gaps[0] > gaps[1] > gaps[2]


class Duel(nn.Module):
    """Two numbers that pursue each other, each by its own optimizer."""

    automatic_optimization = False

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.left.weight, 3.0)
        nn.init.constant_(self.right.weight, 1.0)

    def training_step(self, batch: Any, optimizers: dict[str, torch.optim.Optimizer]) -> dict[str, Tensor]:
        gap = (self.left.weight - self.right.weight).square().sum()
        for name in ("left", "right"):
            optimizers[name].zero_grad()
        gap.backward()
        for name in ("left", "right"):
            optimizers[name].step()
        return {"loss": gap, "gap": gap.detach()}

    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"predictions": torch.zeros_like(batch[1]), "targets": batch[1]}


class FromDisk(Dataset[Any]):
    """Examples that come one by one, as from files."""

    def __init__(self, split: TensorSplit) -> None:
        self.split = split

    def __len__(self) -> int:
        return len(self.split)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.split[index]


def through_a_loader(data: TensorSplit, *arguments: Any) -> Batches:
    return Batches(FromDisk(data), *arguments)


def test_data_that_is_loaded_by_workers_gives_the_same_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    config = bench.config("blobs", "trainer.duration=2 epochs")
    in_memory = bench.train(bench.run(config)).fingerprint()
    monkeypatch.setattr("engine.loop.learner.Batches", through_a_loader)
    assert bench.train(bench.run(config)).fingerprint() == in_memory
    workers = config.model_copy(update={"trainer": config.trainer.model_copy(update={"workers": 2})})
    assert bench.train(bench.run(workers)).fingerprint() == in_memory


# ---- determinism and resuming ------------------------------------------------------------------------------------

LEARNERS: dict[str, tuple[Path, *tuple[str, ...]]] = {
    "momentum and dropout": (NETWORK, "optimizer.momentum=0.9"),
    "adam, cosine and average": (NETWORK, "optimizer=adam", "scheduler=cosine", "trainer.ema_decay=0.9"),
    "accumulation and a ragged tail": (NETWORK, "trainer.batch_size=5", "trainer.accumulate=2"),
    "a learning rule of its own": (PERCEPTRON, "trainer.duration=2 epochs", "trainer.log_every=3 steps"),
}


def learner(name: str, outputs: Path) -> tuple[Bench, ExperimentConfig[Any]]:
    chapter, *overrides = LEARNERS[name]
    bench = Bench(chapter, outputs)
    return bench, bench.config("blobs", *overrides)


def test_two_runs_with_one_seed_are_equal_to_the_last_bit(bench: Bench) -> None:
    config = bench.config("blobs")
    first, second = (bench.train(bench.run(config)).fingerprint() for _ in range(2))
    assert first == second
    other = bench.train(bench.run(bench.config("blobs", "seed=1"))).fingerprint()
    assert other["rows"][0] != first["rows"][0]  # other first weights


def test_watching_a_run_does_not_change_it(bench: Bench) -> None:
    unwatched = bench.train(bench.run(bench.config("blobs"))).fingerprint()
    watched = bench.run(bench.config("blobs", "tracking.tensorboard=true"), plots=("learning_curve",))
    assert bench.train(watched).fingerprint() == unwatched


@pytest.mark.parametrize("name", LEARNERS)
def test_a_run_that_is_stopped_after_every_step_ends_with_the_same_bits(name: str, tmp_path: Path) -> None:
    bench, config = learner(name, tmp_path)
    unbroken = bench.train(bench.run(config))
    run = bench.run(config)
    with pytest.raises(Interrupted):
        bench.train(run, prepare=stop_at(1))
    for step in range(1, unbroken.summary["step"] - 1):
        with pytest.raises(Interrupted, match=f"step {step + 1};"):
            bench.go_on(run, stop_at(1))
    assert Outcome(run).summary["status"] == "interrupted"
    assert bench.go_on(run).fingerprint() == unbroken.fingerprint()


@pytest.mark.parametrize("name", LEARNERS)
def test_a_run_that_is_stopped_while_evaluating_ends_with_the_same_bits(name: str, tmp_path: Path) -> None:
    bench, config = learner(name, tmp_path)
    unbroken = bench.train(bench.run(config)).fingerprint()
    for call in (1, 8, 13):  # in the first evaluation, before any step, and in later ones
        run = bench.run(config)
        with pytest.raises(Interrupted):
            bench.train(run, prepare=stop_at(call, "evaluation_step"))
        assert bench.go_on(run).fingerprint() == unbroken


def test_after_fast_evaluation_batches_slow_steps_do_not_keep_ranks_from_meeting(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TwoAlike(World):
        """Two ranks that see the same."""

        def gather(self, own: Any) -> list[Any]:
            return [own, own]

    now = 0.0

    def lasting(seconds: float, method: Callable[..., Any]) -> Callable[..., Any]:
        def called(*arguments: Any) -> Any:
            nonlocal now
            now += seconds
            return method(*arguments)

        return called

    def prepare(model: nn.Module) -> None:
        model.training_step = lasting(60, model.training_step)  # type: ignore[assignment, arg-type]
        model.evaluation_step = lasting(1e-3, model.evaluation_step)  # type: ignore[assignment, arg-type]
        stop_at(26)(model)  # an epoch has 24 steps

    monkeypatch.setattr("engine.loop.stopping.time", Mock(monotonic=lambda: now))
    monkeypatch.setattr("engine.trainer.StopAgreement", lambda world, *parts: StopAgreement(TwoAlike(size=2), *parts))
    config = bench.config("blobs", "trainer.batch_size=2", "trainer.checkpoint.every=null")
    with pytest.raises(Interrupted, match="stopped at step 26;"):
        bench.train(bench.run(config), prepare=prepare)


@pytest.mark.parametrize("call", [5, 7, 12, 18])
def test_a_run_that_crashed_goes_on_from_its_last_checkpoint(bench: Bench, call: int) -> None:
    config = bench.config("blobs", "trainer.checkpoint.every=4 steps", "trainer.ema_decay=0.9")
    unbroken = bench.train(bench.run(config)).fingerprint()
    run = bench.run(config)
    with pytest.raises(ZeroDivisionError):
        bench.train(run, prepare=fail_at(call))
    assert Outcome(run).summary["status"] == "failed"
    assert Outcome(run).checkpoint()["step"] == (call - 1) // 4 * 4
    assert bench.go_on(run).fingerprint() == unbroken


@pytest.mark.parametrize(
    ("changes", "stop", "steps"),
    [
        (("trainer.checkpoint.every=null",), None, [18]),
        (("trainer.checkpoint.every=6 steps",), None, [6, 12, 18]),
        (("trainer.checkpoint.every=6 steps",), 12, [6, 12]),
        (("trainer.checkpoint={every: 6 steps, minutes: 0.000001}",), None, [*range(1, 19)]),
    ],
    ids=["at the end", "now and then", "stopped", "by the clock"],
)
def test_the_checkpoint_of_a_step_is_written_once(
    changes: tuple[str, ...], stop: int | None, steps: list[int], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def note(path: Path, content: dict[str, Any]) -> None:
        if path.name == "model_last.pt":
            written.append(content["step"])
        save_checkpoint(path, content)

    monkeypatch.setattr("engine.checkpoint.manager.save_checkpoint", note)
    with pytest.raises(Interrupted) if stop else nullcontext():
        bench.train(bench.run(bench.config("blobs", *changes)), prepare=stop_at(stop or STEPS + 1))
    assert written == steps


def test_a_resumed_run_says_so_and_counts_its_time_on(bench: Bench) -> None:
    run = bench.run(bench.config("blobs"))
    with pytest.raises(Interrupted, match=f"stopped at step 7; go on with .*train.py --resume {run.run_id} --outputs "):
        bench.train(run, prepare=stop_at(7))
    before = Outcome(run).summary["seconds"]
    outcome = bench.go_on(run)
    assert "going on at step 7 of 18" in outcome.narrative
    assert outcome.narrative.count("training for 18 steps") == 1  # the log of the first part is still there
    assert outcome.summary["seconds"] > before
    seconds = [row["seconds"] for row in outcome.rows]
    assert seconds == sorted(seconds)


def test_a_checkpoint_to_go_on_from_is_read_by_one_process_only(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    run = bench.run(bench.config("blobs"))
    with pytest.raises(Interrupted):
        bench.train(run, prepare=stop_at(7))
    held: list[bool] = []
    read = CheckpointManager.newest

    def noted(manager: CheckpointManager) -> dict[str, Any] | None:
        held.append((run.folders.models / ".lock").exists())
        return read(manager)

    monkeypatch.setattr(CheckpointManager, "newest", noted)
    bench.go_on(run)
    assert held == [True]
    assert not (run.folders.models / ".lock").exists()


def test_a_run_that_goes_on_with_other_threads_notes_it_and_says_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = bench.run(bench.config("blobs"))
    with pytest.raises(Interrupted):
        bench.train(run, prepare=stop_at(7))
    monkeypatch.setattr("torch.get_num_threads", lambda: 3)
    outcome = bench.go_on(run)
    noted = json.loads((run.folders.models / "environment.json").read_text())
    assert noted["hardware"]["threads"] == 1
    assert [(each["step"], each["hardware"]["threads"]) for each in noted["resumed"]] == [(7, 3)]
    assert "from step 7 on, threads was 1, is 3: last digits may be others than without a break" in outcome.narrative


def test_a_run_without_checkpoints_says_that_stopping_loses_it(bench: Bench) -> None:
    run = bench.run(bench.config("blobs"), save_checkpoint=False)
    with pytest.raises(Interrupted, match="stopped at step 3; no checkpoint was kept"):
        bench.train(run, prepare=stop_at(3))


def test_a_run_stopped_before_its_first_checkpoint_starts_over_and_says_so(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    config = bench.config("blobs")
    unbroken = bench.train(bench.run(config)).fingerprint()
    run = bench.run(config)
    with pytest.raises(ZeroDivisionError):
        bench.train(run, prepare=fail_at(4))
    assert list(run.folders.models.glob("model_*")) == []
    caplog.set_level(logging.INFO)
    assert bench.go_on(run).fingerprint() == unbroken
    assert "no checkpoint yet: starting over" in caplog.messages


@pytest.mark.parametrize("name", LEARNERS)
def test_a_run_goes_on_from_its_best_checkpoint_where_that_is_furthest_on(name: str, tmp_path: Path) -> None:
    bench, config = learner(name, tmp_path)
    unbroken = bench.train(bench.run(config))
    best = steps_with(unbroken.rows, "train/accuracy")[1]  # the first one is, whatever comes later
    run = bench.run(config)
    with pytest.raises(ZeroDivisionError):
        bench.train(run, prepare=fail_at((best + 1) * config.trainer.accumulate))
    assert [path.name for path in run.folders.models.glob("model_*")] == ["model_best.pt"]
    resumed = bench.go_on(run)
    assert f"going on at step {best} of" in resumed.narrative
    assert resumed.fingerprint() == unbroken.fingerprint()


def test_a_run_goes_on_from_an_older_checkpoint_where_the_newest_is_damaged(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    config = bench.config("blobs", "trainer.checkpoint.every=5 steps", "trainer.monitor.metric=train/loss")
    unbroken = bench.train(bench.run(config)).fingerprint()
    run = bench.run(config)
    with pytest.raises(ZeroDivisionError):
        bench.train(run, prepare=fail_at(12))
    newest, best = run.folders.models / "model_last.pt", run.folders.models / "model_best.pt"
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    resumed = bench.go_on(run)
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == [f"checkpoint {newest} is damaged or cut short: going on from {best.name}"]
    assert "going on at step 6 of" in resumed.narrative
    assert resumed.fingerprint() == unbroken


def test_training_batches_may_come_from_another_data_set_than_the_evaluations(bench: Bench) -> None:
    config = bench.config("blobs")
    splits = load(config.data)
    half = FromDisk(TensorSplit(splits.train.inputs[:24], splits.train.targets[:24]))
    run = bench.run(config)
    trainer = Trainer(run)
    trainer.prepare(bench.model(config, splits.n_features), splits, half).train()
    assert Outcome(run).summary["step"] == STEPS / 2
    assert Outcome(run).rows[0]["train/loss"] == bench.train(bench.run(config)).rows[0]["train/loss"]


# ---- when something goes wrong -----------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(bench: Bench) -> None:
    run = bench.run(bench.config("blobs", "trainer.checkpoint.every=1 step"))
    with pytest.raises(RunError, match=r"the loss is nan at step 7: lower the learning rate") as caught:
        bench.train(run, prepare=spoil("loss", call=7))
    assert caught.value.exit_code == 1
    outcome = Outcome(run)
    assert outcome.summary["status"] == "failed"
    assert "the loss is nan at step 7" in outcome.narrative
    assert outcome.checkpoint()["step"] == 6  # the last good one
    assert all(math.isfinite(row.get("batch/loss", 0.0)) for row in outcome.rows)


def test_a_gradient_that_is_not_finite_spoils_no_checkpoint(bench: Bench) -> None:
    run = bench.run(bench.config("blobs", "trainer.checkpoint.every=1 step"))
    with pytest.raises(RunError, match="is not finite after step 7"):  # no log line at step 7, so no norm is taken
        bench.train(run, prepare=spoil("gradient", call=7))
    outcome = Outcome(run)
    assert outcome.checkpoint()["step"] == 6
    assert all(weights.isfinite().all() for weights in outcome.weights.values())


def spoil(what: str, call: int) -> Callable[[nn.Module], None]:
    """Make the loss NaN, or leave it finite with a gradient that is not."""

    def prepare(model: nn.Module) -> None:
        original, calls = model.training_step, iter(range(1, call))

        def wrapper(batch: Any) -> dict[str, Tensor]:
            output: dict[str, Tensor] = original(batch)  # type: ignore[operator]
            if next(calls, None) is None:
                zero = sum((p.sum() for p in model.parameters()), torch.zeros(())) * 0
                output["loss"] = output["loss"] + (zero / 0 if what == "loss" else zero.sqrt())
            return output

        model.training_step = wrapper  # type: ignore[assignment]

    return prepare


def test_a_monitored_metric_that_nothing_evaluates_is_refused_before_the_first_step(bench: Bench) -> None:
    run = bench.run(bench.config("blobs", "trainer.monitor.metric=validation/acuracy"))
    with pytest.raises(InputError, match=r"'validation/acuracy', but evaluated are: model/weight_norm, train/accuracy"):
        bench.train(run)
    assert list(bench.outputs.glob("*/*")) == []


class Failing:
    """A tracker of which one method raises."""

    name = "broken"
    together = 0.0

    def __init__(self, method: str) -> None:
        self.method = method
        self.calls: list[str] = []

    def _called(self, method: str) -> None:
        self.calls.append(method)
        if method == self.method:
            raise ConnectionError("no\nnetwork")

    def start(self, run: RunInfo) -> str | None:
        self._called("start")
        return "100 % of it is at https://example.org"

    def log(self, rows: Sequence[Row]) -> None:
        self._called("log")

    def figure(self, name: str, path: Path, step: int) -> None:
        self._called("figure")

    def checkpoint(self, files: Sequence[Path], aliases: Sequence[str], metadata: Mapping[str, Any]) -> None:
        self._called("checkpoint")

    def finish(self, status: str) -> str | None:
        self._called("finish")
        return None


@pytest.mark.parametrize("method", ["start", "log", "figure", "checkpoint", "finish"])
def test_a_tracker_that_fails_is_reported_once_and_never_stops_a_run(
    method: str, bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tracker, well = Failing(method), Failing("none")
    monkeypatch.setattr("engine.trainer.build_trackers", lambda config: Trackers([tracker, well]))
    run = bench.run(bench.config("blobs", "trainer.duration=1 epoch"), plots=("learning_curve",))
    outcome = bench.train(run)
    assert outcome.summary["status"] == "finished"
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["broken failed with ConnectionError: no network; it is switched off for this run"]
    assert tracker.calls[-1] == method  # and nothing after it
    assert [call for call, _ in groupby(well.calls)] == ["start", "log", "figure", "checkpoint", "finish"]
    assert "100 % of it is at https://example.org" in outcome.narrative


@pytest.mark.timeout(60)
def test_trackers_that_hang_do_not_hold_up_a_run_that_is_told_to_stop(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run, status = bench.run(bench.config("blobs")), []
    trackers, over = [Failing("none") for _ in range(3)], threading.Event()
    trackers[0].finish = lambda _: status.append(Outcome(run).summary["status"])  # type: ignore[method-assign]
    for hanging in trackers[1:]:
        hanging.log = lambda rows: over.wait()  # type: ignore[method-assign, assignment]
    monkeypatch.setattr("engine.trainer.build_trackers", lambda config: Trackers(trackers))
    monkeypatch.setattr("engine.tracking._FINISH_SECONDS", 600)
    monkeypatch.setattr("engine.tracking._HURRIED_SECONDS", 0.5)
    with pytest.raises(Interrupted, match="stopped at step 3"):
        bench.train(run, prepare=stop_at(3))
    over.set()
    assert status == ["interrupted"]
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == ["broken has not finished in time; it is switched off for this run"] * 2


def test_no_tracker_starts_that_the_config_does_not_name(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)  # a login is no wish
    threads: list[list[str]] = []
    before = threading.enumerate()  # a tracker that hung in another test may still do so

    def watch(model: nn.Module) -> None:
        learn = model.training_step

        def watched(batch: Any) -> Any:
            threads.append([thread.name for thread in threading.enumerate() if thread not in before])
            return learn(batch)  # type: ignore[operator]

        model.training_step = watched  # type: ignore[assignment]

    run = bench.run(bench.config("blobs"))
    bench.train(run, prepare=watch)
    assert threads and not any(name.startswith("tracker") for names in threads for name in names)
    assert {path.name for path in run.folders.logs.iterdir()} == {"train.log", "metrics.jsonl"}


def test_rows_reach_the_trackers_as_they_stand_in_the_record(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Row] = []
    tracker = Failing("none")
    tracker.log = seen.extend  # type: ignore[method-assign, assignment]
    monkeypatch.setattr("engine.trainer.build_trackers", lambda config: Trackers([tracker]))
    outcome = bench.train(bench.run(bench.config("blobs")))
    assert [untimed(dict(row)) for row in seen] == [untimed(row) for row in outcome.rows]
