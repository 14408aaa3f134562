"""What plots may ask for."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

import plotting
from data_utils import load
from data_utils.datasets.functions import Line
from engine.config import ExperimentConfig
from engine.device.hardware import Hardware
from engine.evaluation.evaluator import Evaluator
from engine.evaluation.plots import plot_data


class Dropping(nn.Module):
    """A model that answers differently while it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.5)

    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"predictions": (self.dropout(batch[0]).sum(1) > 1.5).long(), "targets": batch[1]}

    def plot_data(self) -> dict[str, float]:
        return {"bias": 1.5}


def test_a_plot_sees_the_model_as_it_is_evaluated(cpu: Hardware, experiment: Callable[..., ExperimentConfig]) -> None:
    config, model = experiment(), Dropping().train()
    data = plot_data(config, model, load(config.data), "test", Evaluator(cpu, ["accuracy"], 4, 2))
    state = torch.get_rng_state()
    for _ in range(5):
        assert np.array_equal(data["predict"](data["inputs"]), data["targets"])
    assert model.training and torch.equal(torch.get_rng_state(), state)


def test_a_plot_may_use_what_the_model_adds(cpu: Hardware, experiment: Callable[..., ExperimentConfig]) -> None:
    config = experiment()
    data = plot_data(config, Dropping(), load(config.data), "test", Evaluator(cpu, [], 4, 2))
    assert data["bias"] == 1.5
    assert (data["split"], data["subject"], data["image_shape"]) == ("train", "small", None)


def test_a_plot_can_draw_numbers_of_half_precision(cpu: Hardware, experiment: Callable[..., ExperimentConfig]) -> None:
    class Half(Dropping):
        def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            return {"predictions": batch[0].sum(1).bfloat16(), "targets": batch[1]}

    config = experiment()
    data = plot_data(config, Half(), load(config.data), "test", Evaluator(cpu, [], 4, 2))
    assert data["predictions"].dtype == np.float32


class Sum(nn.Module):
    """Adds up the inputs, and measures a loss that needs targets of the shape of its predictions."""

    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        predictions = batch[0].sum(1, keepdim=True)
        return {"predictions": predictions, "targets": batch[1], "loss": nn.functional.mse_loss(predictions, batch[1])}


def test_a_plot_of_a_regression_has_names_of_targets_and_none_of_classes(
    cpu: Hardware, experiment: Callable[..., ExperimentConfig]
) -> None:
    line = Line(
        name="line",
        n=20,
        features=2,
        noise=0.1,
        seed=0,
        standardize_targets=False,
        standardize=False,
        validation=0.0,
        test=0.2,
        split_seed=0,
    )
    data = plot_data(experiment(), Sum(), load(line), "test", Evaluator(cpu, ["mse"], 3, n_classes=0))
    assert data["predict"](data["inputs"]).shape == data["targets"].shape == (4, 1)
    assert (data["class_names"], data["target_names"]) == (None, ("y",))
    assert plotting.render("fit", data).axes
