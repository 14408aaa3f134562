"""What a tracker would refuse is told before a run starts."""

from typing import Any

import pytest

from engine.config import ExperimentConfig
from engine.tracking.limits import check_limits
from tests.doubles.bench import PERCEPTRON, Bench
from utils.errors import InputError


def config(tracker: str, tags: tuple[str, ...] = (), project: str = "scratch") -> ExperimentConfig[Any]:
    """A config with only this tracker."""
    plain = Bench(PERCEPTRON, PERCEPTRON / "outputs").config("and")
    wandb = plain.tracking.wandb.model_copy(update={"enabled": tracker == "wandb", "project": project})
    mlflow = plain.tracking.mlflow.model_copy(update={"enabled": tracker == "mlflow"})
    tracking = plain.tracking.model_copy(update={"wandb": wandb, "mlflow": mlflow})
    return plain.model_copy(update={"tags": tags, "tracking": tracking})


@pytest.mark.parametrize(
    ("tracker", "tag", "limit"),
    [
        ("wandb", "x" * 65, "64"),
        ("wandb", "", "64"),
        ("mlflow", "", "250"),
        ("mlflow", "x" * 251, "250"),
        ("mlflow", "a+b", "letters, digits"),
        ("mlflow", "mlflow.runName", "MLflow's own"),
        ("mlflow", "run_id", "MLflow's own"),
        ("mlflow", "../a", "relative path"),
        ("mlflow", "/a", "relative path"),
        ("mlflow", "a//b", "relative path"),
    ],
)
def test_a_tag_that_the_tracker_does_not_take_is_refused_with_the_limit(tracker: str, tag: str, limit: str) -> None:
    with pytest.raises(InputError, match=limit) as caught:
        check_limits(config(tracker, ("fine", tag)))
    assert (caught.value.code, caught.value.where) == ("config", "tags.1")
    check_limits(config("none", ("fine", tag)))


@pytest.mark.parametrize("project", ["", "x" * 129, "a/b", "a?b"])
def test_a_project_that_wandb_does_not_take_is_refused(project: str) -> None:
    with pytest.raises(InputError) as caught:
        check_limits(config("wandb", project=project))
    assert caught.value.where == "tracking.wandb.project"


@pytest.mark.parametrize("tracker", ["wandb", "mlflow"])
def test_ordinary_tags_are_fine(tracker: str) -> None:
    check_limits(config(tracker, ("x" * 64, "night", "a/b", "v1.2", "größe 3", "run:7")))
