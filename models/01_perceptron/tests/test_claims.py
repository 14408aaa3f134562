"""What the claims of the experiments rest on; `scratch reproduce` checks the claims themselves, on all seeds."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from config import ModelConfig
from data_utils import load
from engine import Run
from engine.claims.claim import Record
from engine.runs.metrics_log import read_rows
from engine.runs.run import Options
from experiment.compose import compose_experiment, experiment_names
from margin import largest_margin
from train import EXPERIMENT_PLOTS, main

CHAPTER = Path(__file__).resolve().parents[1]
EXPERIMENTS = experiment_names(CHAPTER)
QUIET = ("tracking.wandb.enabled=false", "tracking.tensorboard=false")

configured = cache(lambda name, *overrides: compose_experiment(CHAPTER, name, (*QUIET, *overrides), ModelConfig))


def record_of(config: Any, outputs: Path) -> Record:
    run = Run(CHAPTER, config, outputs, Options(save_checkpoint=False))
    main(run).train()
    return read_rows(run.folders.logs / "metrics.jsonl")


def test_two_runs_of_a_seed_leave_the_same_record(tmp_path: Path) -> None:
    config = configured("iris-hard", "trainer.duration='5 epochs'")

    def untimed() -> list[dict[str, Any]]:
        return [
            {k: v for k, v in row.items() if k != "seconds" and not k.startswith("speed/")}
            for row in record_of(config, tmp_path)
        ]

    assert untimed() == untimed()


def test_the_flowers_of_iris_hard_cannot_be_separated() -> None:
    """The premise of its theorem, exactly: weights of the examples that sum to one and put their mean at the origin.

    If some (w, b) had t (w·x + b) > 0 everywhere, the weighted mean of these would be positive; it is zero.
    """
    train = load(configured("iris-hard").data).train
    signs = 2 * train.targets.double().numpy() - 1
    z = signs[:, None] * np.c_[train.inputs.double().numpy(), np.ones(len(signs))]
    program = linprog(np.zeros(len(z)), A_eq=np.c_[z, np.ones(len(z))].T, b_eq=[*np.zeros(z.shape[1]), 1.0])
    assert program.success
    assert (program.x >= 0).all()
    np.testing.assert_allclose(program.x @ z, 0, atol=1e-12)


@pytest.mark.parametrize("experiment", ["and", "or", "iris-easy"])
def test_runs_that_claim_perfection_by_theorem_are_longer_than_the_bound(experiment: str) -> None:
    config = configured(experiment)
    train = load(config.data).train
    margin = largest_margin(train.inputs, train.targets, config.model.margin_iterations)
    assert margin is not None
    assert config.trainer.duration.amount > (margin.radius / margin.margin) ** 2


def test_every_experiment_names_its_plots() -> None:
    assert sorted(EXPERIMENT_PLOTS) == EXPERIMENTS
