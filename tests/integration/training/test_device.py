"""Trainings keep to the device that they are on: it is pretended, and refuses what a GPU would refuse."""

from pathlib import Path

from tests.doubles.bench import NETWORK, ROOT
from tests.doubles.scripts import Ended, call

ON_THE_DEVICE = ROOT / "tests/doubles/pretended_gpu.py"
TRAIN = NETWORK / "src/train.py"
ALL_AT_ONCE = ("optimizer=adam", "trainer.ema_decay=0.9", "trainer.clip_norm=1.0", "trainer.accumulate=2")


def train(script: Path, outputs: Path, *arguments: str, **env: str) -> Ended:
    return call(ON_THE_DEVICE, script, "--outputs", outputs, "--no-wandb", *arguments, env=env)


def test_a_run_on_the_device_is_stopped_and_goes_on(tmp_path: Path) -> None:
    settings = ("--experiment", "blobs", *ALL_AT_ONCE, "hardware.precision=bf16")
    stopped = train(ROOT / "tests/doubles/fate.py", tmp_path, *settings, FATE="signal")
    assert stopped.code == 143, stopped.stderr
    resumed = train(TRAIN, tmp_path, "--resume", "latest")
    assert resumed.code == 0, resumed.stderr
    assert "going on at step 3 of" in resumed.stderr  # with two steps in the window
