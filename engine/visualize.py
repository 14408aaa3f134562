"""Draws the plots of an experiment from what its run left behind (A6)."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from data_utils.splits import Splits
from engine.config import ExperimentConfig
from engine.evaluator import Evaluator, undisturbed
from engine.record import read_rows
from engine.run import Folders

if TYPE_CHECKING:
    from engine.trainer import Trainer

log = logging.getLogger(__name__)


def visualize(
    names: Sequence[str],
    folders: Folders,
    config: ExperimentConfig,
    model: nn.Module,
    splits: Splits,
    split: str,
    evaluator: Evaluator,
    prefix: str = "",
) -> dict[str, Path]:
    """Draw the plots called `names` of a run, each as `<prefix><name>.png` in its `visualizations/` folder.

    Returns:
        Plot name to picture.
    """
    if not names:
        return {}
    import plotting  # matplotlib costs most of a second: only where a picture is wanted

    record = folders.logs / "metrics.jsonl"
    available = plot_data(config, model, splits, split, evaluator)
    available["history"] = read_rows(record) if record.exists() else []
    paths = {name: folders.visualizations / f"{prefix}{name}.png" for name in names}
    for name, path in paths.items():
        plotting.save(plotting.render(name, available), path)
        log.info("drew %s", path)
    return paths


def draw_plots(trainer: "Trainer") -> None:
    """Draw the plots that a run asks for, with the weights as they are, and show them on the trackers."""
    run = trainer.run
    split = ("train", *run.config.trainer.evaluate_on)[-1]
    pictures = visualize(
        run.options.plots, run.folders, run.config, trainer.model, trainer.splits, split, trainer.evaluator
    )
    for name, path in pictures.items():
        trainer.trackers.figure(name, path, trainer.step)


def plot_data(
    config: ExperimentConfig, model: nn.Module, splits: Splits, split_name: str, evaluator: Evaluator
) -> dict[str, Any]:
    """What plots may ask for, by the names of their parameters; a model adds its own with `plot_data()`."""
    name, split = splits.evaluation(split_name)
    evaluation = evaluator.evaluate(model, split)

    def predict(inputs: np.ndarray) -> np.ndarray:
        points = torch.as_tensor(inputs, dtype=torch.float32, device=evaluator.hardware.device)
        no_targets = torch.zeros(len(points), dtype=torch.int64, device=points.device)
        with undisturbed(model), torch.no_grad():
            output: dict[str, Tensor] = model.evaluation_step((points, no_targets))  # type: ignore[operator]
        return output["predictions"].cpu().numpy()

    return {
        "subject": config.experiment,
        "bounds": {claim.metric: claim.at_most for claim in config.claims if isinstance(claim.at_most, float)},
        "split": name,
        "inputs": split.inputs.cpu().numpy(),
        "targets": evaluation.targets.numpy(),
        "predictions": evaluation.predictions.numpy(),
        "predict": predict,
        "class_names": splits.class_names,
        "feature_names": splits.feature_names,
        "image_shape": splits.input_shape[-2:] if len(splits.input_shape) == 3 else None,
        **(model.plot_data() if hasattr(model, "plot_data") else {}),  # type: ignore[operator]
    }
