"""Draws the plots of an experiment from what its run left behind."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from data_utils.splits import Splits
from engine.config import ExperimentConfig
from engine.device.fsdp import unsharded
from engine.device.world import World
from engine.evaluation.evaluator import Evaluator, undisturbed
from engine.runs.metrics_log import read_rows
from engine.runs.run import Folders, Run
from utils.errors import ScratchError

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
    guard: Callable[[str], AbstractContextManager[None]] = lambda name: nullcontext(),
) -> dict[str, Path]:
    """Draw the plots called `names` of a run, each as `<prefix><name>.png` in its `visualizations/` folder.

    Each is drawn within `guard(name)`, which may catch what goes wrong.

    Returns:
        Plot name to picture.
    """
    if not names:
        return {}
    import plotting  # matplotlib costs most of a second: only where a picture is wanted

    record = folders.logs / "metrics.jsonl"
    available: dict[str, Any] = {}
    paths = {}
    for name in names:
        with guard(name):
            if not available:
                history = read_rows(record) if record.exists() else []
                available = plot_data(config, model, splits, split, evaluator) | {"history": history}
            path = folders.visualizations / f"{prefix}{name}.png"
            plotting.save(plotting.render(name, available), path)
            log.info("drew %s", path)
            paths[name] = path
    return paths


@contextmanager
def _only_warned_about(run: Run, split: str, name: str) -> Iterator[None]:
    """A guard for a training that is over: a plot that cannot be drawn takes nothing from the run."""
    try:
        yield
    except Exception as error:  # whatever it is, the weights are saved
        kind = "" if isinstance(error, ScratchError) else f"{type(error).__name__}: "
        again = f"--checkpoint {run.run_id} --experiment {run.config.experiment} --split {split} --plot {name}"
        kept = f"; once that is mended, draw it with evaluate.py {again}" if run.options.save_checkpoint else ""
        log.warning(
            "the run is finished, but plot '%s' was not drawn: %s%s%s", name, kind, " ".join(str(error).split()), kept
        )


def draw_plots(run: Run, model: nn.Module, splits: Splits, evaluator: Evaluator, world: World) -> dict[str, Path]:
    """Draw the plots that `run` asks for, with the weights of `model` as they are.

    Of several ranks all call this together, and rank 0 draws.

    Returns:
        Plot name to picture.
    """
    split = split_to_draw(run.config)
    with unsharded(model):
        return visualize(
            run.options.plots if world.is_main else (),
            run.folders,
            run.config,
            model,
            splits,
            split,
            evaluator.alone(),
            guard=partial(_only_warned_about, run, split),
        )


def split_to_draw(config: ExperimentConfig) -> str:
    """The split whose examples the plots of a training show: the last one that it is evaluated on."""
    return ("train", *config.trainer.evaluate_on)[-1]


def plot_data(
    config: ExperimentConfig, model: nn.Module, splits: Splits, split_name: str, evaluator: Evaluator
) -> dict[str, Any]:
    """What plots may ask for, by the names of their parameters; a model adds its own with `plot_data()`."""
    name, split = splits.evaluation(split_name)
    evaluation = evaluator.evaluate(model, split)
    predictions = evaluation.predictions
    if predictions.dtype == torch.bfloat16:  # which NumPy does not know
        predictions = predictions.float()

    def predict(inputs: np.ndarray) -> np.ndarray:
        points = torch.as_tensor(inputs, dtype=torch.float32, device=evaluator.hardware.device)
        no_targets = torch.zeros(len(points), *split.targets.shape[1:], dtype=split.targets.dtype, device=points.device)
        with undisturbed(model), torch.no_grad():
            output: dict[str, Tensor] = model.evaluation_step((points, no_targets))  # type: ignore[operator]
        return output["predictions"].cpu().numpy()

    return {
        "subject": config.experiment,
        "bounds": {
            claim.metric: claim.at_most
            for claim in config.claims
            if isinstance(claim.at_most, float) and claim.minus is None
        },
        "split": name,
        "inputs": split.inputs.cpu().numpy(),
        "targets": evaluation.targets.numpy(),
        "predictions": predictions.numpy(),
        "predict": predict,
        "class_names": splits.class_names or None,
        "target_names": splits.target_names or None,
        "feature_names": splits.feature_names,
        "image_shape": splits.input_shape[-2:] if len(splits.input_shape) == 3 else None,
        **(model.plot_data() if hasattr(model, "plot_data") else {}),  # type: ignore[operator]
    }
