"""The header of a model card: YAML that model hubs read, for their lists and tables."""

import tomllib
from typing import Any

import yaml

from data_utils.cards import DatasetCard
from inference.predictor import Predictor
from project.chapters import ROOT

_TASKS = {"image": "image", "table": "tabular", "row": "tabular", "text": "text"}


def header(predictor: Predictor, dataset: DatasetCard) -> str:
    """License, tags, data sets, metrics and measured results, between two lines of dashes."""
    chapter, config, data = predictor.chapter.folder.name, predictor.config, predictor.data
    goal = "classification" if data.class_names else "regression"
    task = f"{_TASKS.get(dataset.modality, dataset.modality)}-{goal}"
    metrics = [
        {"type": name.rpartition("/")[2], "name": name, "value": float(value)}
        for name, value in predictor.metrics.items()
        if name.startswith(("train/", "validation/", "test/"))
    ]
    result = {
        "task": {"type": task},
        "dataset": {"type": data.name, "name": dataset.title},
        "metrics": metrics,
    }
    content: dict[str, Any] = {
        "license": project_license().lower(),
        "tags": [chapter, config.experiment, task, *config.tags],
        "datasets": [data.name],
        "metrics": list(dict.fromkeys(metric["type"] for metric in metrics)),
        "model-index": [{"name": f"{chapter}-{config.experiment}", "results": [result] if metrics else []}],
    }
    return f"---\n{yaml.safe_dump(content, sort_keys=False, allow_unicode=True)}---\n"


def project_license() -> str:
    """The SPDX name of this project's license, which is that of its models."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["license"])
