"""In which settings two configs differ, and a run's config from its experiment."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.config import ExperimentConfig
    from utils.schema import Strict

_WORDS = ("goal", "seeds", "claims", "successor", "notes")  # what is said about a run, not how it is made
_NO_MATTER = ("seed", "tags", "tracking")  # to what the claims are about
_MACHINE = ("device", "strategy", "threads", "peak_flops")


def settings(config: "ExperimentConfig[Any]") -> dict[str, Any]:
    """All that decides how a run is made, as plain data."""
    return {key: value for key, value in config.model_dump(mode="json").items() if key not in _WORDS}


def differences(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """A text such as `model.hidden is [64], not [256]` for each value that differs, ours first."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = [*ours, *(key for key in theirs if key not in ours)]
        return [
            line for key in keys for line in differences(ours.get(key), theirs.get(key), f"{path}.{key}".strip("."))
        ]
    return [] if ours == theirs else [f"{path} is {ours}, not {theirs}"]


def changed_settings(config: "ExperimentConfig[Any]", chapter: Path, model_config: "type[Strict]") -> list[str]:
    """What was changed in `config` against the experiment as the chapter has it, machine and seed aside.

    Args:
        config: Of a run.
        chapter: The chapter's folder.
        model_config: The schema of the `model` section.

    Raises:
        InputError: The chapter has no such experiment, or it has mistakes.
    """
    from experiment.compose import compose_experiment

    experiment = compose_experiment(chapter, config.experiment, [], model_config)
    return differences(_made_of(config), _made_of(experiment))


def _made_of(config: "ExperimentConfig[Any]") -> dict[str, Any]:
    made_of = {key: value for key, value in settings(config).items() if key not in _NO_MATTER}
    made_of["hardware"] = {key: value for key, value in made_of["hardware"].items() if key not in _MACHINE}
    return made_of
