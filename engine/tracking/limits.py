"""What the trackers of a run refuse, told before it starts; free of torch.

Not part of the config's schema, because runs that a tracker refused stay readable.
"""

import posixpath
import re
from collections.abc import Iterator

from engine.config import ExperimentConfig
from utils.errors import InputError

_WANDB_TAG, _WANDB_PROJECT = 64, 128
_NOT_IN_A_PROJECT = "/\\#?%:"


def check_limits(config: ExperimentConfig) -> None:
    """Refuse names and tags that a tracker of this run would not take.

    Raises:
        InputError: One line with every such name, and the limit.
    """
    if problems := [*_wandb_refuses(config), *_mlflow_refuses(config)]:
        raise InputError(
            "; ".join(f"{path}: {problem}" for path, problem in problems), code="config", where=problems[0][0]
        )


def _wandb_refuses(config: ExperimentConfig) -> Iterator[tuple[str, str]]:
    wandb = config.tracking.wandb
    if not wandb.enabled:
        return
    for number, tag in enumerate(config.tags):
        if not 1 <= len(tag) <= _WANDB_TAG:
            yield f"tags.{number}", f"a tag has 1 to {_WANDB_TAG} characters on wandb, this one has {len(tag)}"
    if not 1 <= len(wandb.project) <= _WANDB_PROJECT or set(wandb.project) & set(_NOT_IN_A_PROJECT):
        limit = f"1 to {_WANDB_PROJECT} characters, none of them of {' '.join(_NOT_IN_A_PROJECT)}"
        yield "tracking.wandb.project", f"a project's name has {limit} (got {wandb.project!r})"


def _mlflow_refuses(config: ExperimentConfig) -> Iterator[tuple[str, str]]:
    if not config.tracking.mlflow.enabled:
        return
    for number, tag in enumerate(config.tags):
        path = f"tags.{number}"
        if tag == "run_id" or tag.startswith("mlflow."):
            yield path, f"run_id and names that start with mlflow. are MLflow's own; choose another tag (got {tag!r})"
        elif not re.fullmatch(r"[/\w.\- :]{1,250}", tag):
            yield path, f"MLflow takes 1 to 250 letters, digits, spaces and _ - . / : in a tag (got {tag!r})"
        elif posixpath.normpath(tag) != tag or tag.startswith(("/", "..")) or tag == ".":
            yield path, f"MLflow takes a tag with / or . only where it reads as a relative path, as a/b (got {tag!r})"
