"""What several unit tests of the engine start from."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.config import ExperimentConfig, HardwareConfig
from engine.device.hardware import Hardware
from utils.schema import Strict


class NoSettings(Strict):
    """A model without settings."""


@pytest.fixture
def cpu() -> Hardware:
    return Hardware(HardwareConfig(device="cpu", strategy="none", precision="fp32", threads=None, peak_flops=None))


@pytest.fixture(scope="session")
def experiment() -> Callable[..., ExperimentConfig]:
    """Makes the config of a small experiment, with changes given as `trainer={"accumulate": 2}`."""

    def make(**changes: Any) -> ExperimentConfig:
        sections: dict[str, Any] = {
            "experiment": "small",
            "goal": "Something to start from.",
            "seeds": [0],
            "claims": [],
            "successor": None,
            "seed": 0,
            "tags": [],
            "model": {},
            "data": {"name": "and", "standardize": False, "validation": 0, "test": 0, "split_seed": 0},
            "trainer": {
                "duration": "10 epochs",
                "batch_size": 8,
                "accumulate": 1,
                "clip_norm": None,
                "overfit_batches": None,
                "ema_decay": None,
                "log_every": "1 epoch",
                "evaluate_every": "1 epoch",
                "evaluate_on": ["train"],
                "metrics": [],
                "monitor": None,
                "early_stopping": None,
                "checkpoint": {"every": None, "minutes": None},
                "workers": 0,
                "compile": "none",
            },
            "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0, "nesterov": False, "weight_decay": 0},
            "optimizers": {},
            "scheduler": {"name": "constant", "warmup": None},
            "tracking": {
                "wandb": {"enabled": False, "project": "p", "entity": None},
                "mlflow": {"enabled": False, "uri": None},
                "tensorboard": False,
            },
            "hardware": {"device": "cpu", "strategy": "none", "precision": "fp32", "threads": None, "peak_flops": None},
        }
        for name, change in changes.items():
            merge = isinstance(change, dict) and name == "trainer"
            sections[name] = {**sections[name], **change} if merge else change
        return ExperimentConfig[NoSettings].model_validate(sections)

    return make


@pytest.fixture(scope="session")
def trainer_config(experiment: Callable[..., ExperimentConfig]) -> Callable[..., Any]:
    return lambda **changes: experiment(trainer=changes).trainer
