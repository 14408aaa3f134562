"""Train a chapter's experiments, ask the models raw examples, and say what evaluation and export make of the same.

`python asked.py CHAPTER OUTPUTS EXPERIMENT[,OVERRIDE]...`; prints a line of JSON for each experiment.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch

from data_utils import load
from engine import Run, Trainer
from engine.runs.run import Options
from experiment.compose import compose_experiment
from inference import Predictor
from inference.chapter import load_chapter

QUIET = ("tracking.wandb.enabled=false", "tracking.tensorboard=false", "trainer.duration=2 epochs")
PREPARED = ("standardize", "standardize_targets", "permute_pixels")


def main(folder: Path, outputs: Path, experiment: str, *overrides: str) -> dict[str, Any]:
    """One experiment."""
    chapter = load_chapter(folder)
    config = compose_experiment(folder, experiment, [*QUIET, *overrides], chapter.model_config)
    splits = load(config.data)
    run = Run(folder, config, outputs / experiment, Options())
    Trainer(run).prepare(chapter.build(config, splits.description), splits).train()

    predictor = Predictor.from_checkpoint(folder, "latest", outputs / experiment)
    unprepared = {name: None if name == "permute_pixels" else False for name in PREPARED if hasattr(config.data, name)}
    raw = load(config.data.model_copy(update=unprepared))
    name = "train" if raw.test is None else "test"
    examples, prepared = raw.split(name).inputs[:64], splits.split(name)
    batch = prepared.inputs[:64], prepared.targets[:64]
    with torch.no_grad():
        expected = predictor.pipeline.model.evaluation_step(batch)["predictions"]  # type: ignore[operator]
    if splits.target_standardization is not None:
        expected = splits.target_standardization.invert(expected)
    return {
        "asked": [_said(answer) for answer in predictor.predict(examples.numpy())],
        "evaluated": [each.tolist() if splits.n_outputs else splits.class_names[int(each)] for each in expected],
        "exported": _largest_difference(predictor, examples),
    }


def _said(answer: Any) -> Any:
    return list(answer.values.values()) if hasattr(answer, "values") else answer.label


def _largest_difference(predictor: Predictor, x: torch.Tensor) -> float:
    """Between the model and its export, which was made with a batch of another size."""
    batch = torch.export.Dim("batch", min=1)
    graph = torch.export.export(predictor.pipeline, (x[:3],), dynamic_shapes=({0: batch},)).module()
    found = graph(x)
    return max(float((found[name] - wanted).abs().max()) for name, wanted in predictor.outputs(x).items())


if __name__ == "__main__":
    for argument in sys.argv[3:]:
        print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), *argument.split(","))))
