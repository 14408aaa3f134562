"""Trainings in half precision: nearly the result of fp32, weights kept in fp32, and the same bits after a resume."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.doubles.bench import NETWORK, Bench, Outcome
from tests.doubles.half_on_cpu import HalfOnCpu
from utils.errors import Interrupted

LONG = ("trainer.duration=20 epochs", "model.dropout=0.0", "optimizer=adam", "optimizer.lr=0.02")


@pytest.fixture(scope="module", autouse=True)
def quick_and_tidy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRATCH_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        patch.setattr("os.fsync", lambda descriptor: None)  # no power cut is tested
        yield
    torch.set_deterministic_debug_mode("default")  # a training switches this on for its process


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(NETWORK, tmp_path / "outputs")


@pytest.fixture
def fp16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.trainer.Hardware", HalfOnCpu)


def train(bench: Bench, precision: str, *overrides: str) -> Outcome:
    return bench.train(bench.run(bench.config("blobs", f"hardware.precision={precision}", *overrides)))


def resumed_after_every_step(bench: Bench, unbroken: Outcome) -> Outcome:
    """The same run, stopped by a signal after each step of it."""
    run = bench.run(unbroken.run.config)

    def stop(model: Any) -> None:
        step = model.training_step

        def stopping(batch: Any) -> Any:
            signal.raise_signal(signal.SIGTERM)
            return step(batch)

        model.training_step = stopping

    with pytest.raises(Interrupted):
        bench.train(run, prepare=stop)
    for _ in range(1, unbroken.summary["step"] - 1):
        with pytest.raises(Interrupted):
            bench.go_on(run, stop)
    return bench.go_on(run)


def test_bf16_learns_nearly_what_fp32_learns(bench: Bench) -> None:
    full, half = (train(bench, precision, *LONG).summary["last"] for precision in ("fp32", "bf16"))
    assert half["train/loss"] != full["train/loss"]
    assert half["train/loss"] == pytest.approx(full["train/loss"], abs=0.02)
    assert half["train/accuracy"] == pytest.approx(full["train/accuracy"], abs=0.03)


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_checkpoint_of_a_half_precision_run_is_in_fp32(
    bench: Bench, precision: str, request: pytest.FixtureRequest
) -> None:
    if precision == "fp16":
        request.getfixturevalue("fp16")
    content = train(bench, "fp32" if precision == "fp16" else precision, "optimizer=adam").checkpoint()
    moments = content["optimizers"]["all"]["state"][0]
    tensors = [*content["model"].values(), moments["exp_avg"], moments["exp_avg_sq"]]
    assert {tensor.dtype for tensor in tensors} == {torch.float32}


def test_a_bf16_run_that_is_stopped_after_every_step_ends_with_the_same_bits(bench: Bench) -> None:
    unbroken = train(bench, "bf16", "optimizer=adam", "trainer.ema_decay=0.9")
    assert resumed_after_every_step(bench, unbroken).fingerprint() == unbroken.fingerprint()


def test_the_loss_scale_of_fp16_is_in_the_record(bench: Bench, fp16: None) -> None:
    rows = [row for row in train(bench, "fp32").rows if "optimizer/loss_scale" in row]
    assert rows[0]["optimizer/skipped_steps"] == 1.0  # the first steps overflowed
    assert rows[-1]["optimizer/skipped_steps"] < 1.0
    assert rows[-1]["optimizer/loss_scale"] < rows[0]["optimizer/loss_scale"]


def test_an_fp16_run_that_is_stopped_after_every_step_ends_with_the_same_bits_and_scale(
    bench: Bench, fp16: None
) -> None:
    unbroken = train(bench, "fp32")
    resumed = resumed_after_every_step(bench, unbroken)
    assert resumed.checkpoint()["scaler"] == unbroken.checkpoint()["scaler"]
    assert unbroken.checkpoint()["scaler"]["scale"] != 2.0**22
    assert [str(row) for row in resumed.fingerprint().pop("rows")] == [
        str(row) for row in unbroken.fingerprint().pop("rows")
    ]
    assert resumed.weights.keys() == unbroken.weights.keys()
    assert all(torch.equal(resumed.weights[name], value) for name, value in unbroken.weights.items())
