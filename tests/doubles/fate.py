"""A training of the double chapter by one rank or several; the last one meets the FATE that the environment names."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

CHAPTER = Path(__file__).parent / "chapters/90_logistic"
sys.path.insert(0, str(CHAPTER / "src"))

from config import ModelConfig  # type: ignore[import-not-found]  # noqa: E402
from experiment.script import train_command  # noqa: E402
from train import EXPERIMENT_PLOTS, main  # type: ignore[import-not-found]  # noqa: E402
from utils.errors import RunError  # noqa: E402

AT = 5
"""The forward pass in which it happens."""


def meet(fate: str, output: dict[str, Any]) -> dict[str, Any]:
    """What happens to it."""
    if fate == "error":
        raise RunError("rank 1 has had enough")
    if fate == "death":
        os.kill(os.getpid(), signal.SIGKILL)
    if fate == "signal":
        os.kill(os.getpid(), signal.SIGTERM)
    if fate == "nan":
        output["loss"] = output["loss"] * float("nan")
    return output


def main_with_fate(run: Any) -> Any:
    """The chapter's `main`, with a model that does as it is fated to."""
    from model import Network  # type: ignore[import-not-found]

    plain, calls = Network.training_step, [0]

    def training_step(self: Any, batch: Any) -> dict[str, Any]:
        calls[0] += 1
        output = plain(self, batch)
        return meet(os.environ["FATE"], output) if calls[0] == AT and run.world.rank == run.world.size - 1 else output

    Network.training_step = training_step
    return main(run)


if __name__ == "__main__":
    train_command(str(CHAPTER / "src/train.py"), ModelConfig, EXPERIMENT_PLOTS, main_with_fate)
