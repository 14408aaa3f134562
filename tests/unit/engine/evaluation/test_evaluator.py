"""The evaluator: what it measures does not depend on how, and it leaves no trace."""

import random
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from torch import Tensor, nn

from data_utils.splits import TensorSplit
from engine.config import HardwareConfig
from engine.device.hardware import Hardware
from engine.evaluation.evaluator import Evaluation, Evaluator
from utils.errors import InputError
from utils.seeds import random_state

CLASSES = 3


class Classifier(nn.Module):
    """Weights that never learn; uses dropout and draws, as a careless model might."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layer, self.dropout = nn.Linear(4, CLASSES), nn.Dropout(0.5)

    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        inputs, targets = batch
        torch.rand(1), random.random(), np.random.rand()
        scores = self.dropout(self.layer(inputs))
        loss = nn.functional.cross_entropy(scores, targets)
        return {
            "predictions": scores.argmax(1),
            "targets": targets,
            "loss": loss,
            "confidence": scores.max(1)[0].mean(),
        }


class Regressor(nn.Module):
    def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        return {"predictions": batch[0].sum(1), "targets": batch[1].float()}


def split(n: int, seed: int = 0) -> TensorSplit:
    generator = torch.Generator().manual_seed(seed)
    return TensorSplit(torch.randn(n, 4, generator=generator), torch.randint(0, CLASSES, (n,), generator=generator))


def evaluate(model: nn.Module, data: TensorSplit, *metrics: str, batch_size: int = 7, **options: Any) -> Evaluation:
    hardware = Hardware(HardwareConfig(device="cpu", strategy="none", precision="fp32", threads=None, peak_flops=None))
    return Evaluator(hardware, metrics, batch_size, CLASSES).evaluate(model, data, **options)


# ---- what is measured ----------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(n=st.integers(1, 50), size=st.integers(1, 60), seed=st.integers(0, 50))
def test_the_batch_size_does_not_matter(n: int, size: int, seed: int) -> None:
    data = split(n, seed)
    whole, parts = (evaluate(Classifier(), data, "accuracy", "error", batch_size=each) for each in (n, size))
    assert parts.metrics == pytest.approx(whole.metrics, abs=1e-6)
    correct = int((whole.predictions == data.targets).sum())
    assert parts.metrics["accuracy"] == whole.metrics["accuracy"] == correct / n
    assert torch.equal(parts.predictions, whole.predictions)
    assert torch.equal(parts.targets, data.targets)


def test_sums_are_kept_in_double_precision() -> None:
    class Large(nn.Module):
        """Losses of 2^24, where single precision counts in twos, and of 1."""

        def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            return {"predictions": batch[1], "targets": batch[1], "loss": batch[0].mean()}

    losses = torch.ones(100)
    losses[0] = 2.0**24
    data = TensorSplit(losses[:, None], torch.zeros(100, dtype=torch.int64))
    assert evaluate(Large(), data, batch_size=1).metrics["loss"] == (2**24 + 99) / 100


def test_a_loss_in_low_precision_is_summed_in_double_precision_too() -> None:
    class Rounded(nn.Module):
        def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            loss = torch.tensor(1.0078125, dtype=torch.bfloat16)  # three times that does not fit into its eight bits
            return {"predictions": batch[1], "targets": batch[1], "loss": loss}

    assert evaluate(Rounded(), split(9), batch_size=3).metrics["loss"] == 1.0078125


def test_an_example_with_several_numbers_counts_once() -> None:
    class Copy(nn.Module):
        def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            return {"predictions": batch[0], "targets": torch.zeros_like(batch[0])}

    data = split(10)
    found = evaluate(Copy(), data, "mse").metrics["mse"]
    assert found == pytest.approx(float(data.inputs.double().square().mean()))


def test_everything_that_the_model_returns_is_averaged() -> None:
    assert evaluate(Classifier(), split(9), "accuracy").metrics.keys() == {"loss", "confidence", "accuracy"}


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("accuracy", sklearn_metrics.accuracy_score),
        ("error", sklearn_metrics.zero_one_loss),
        ("f1_score", lambda t, p: sklearn_metrics.f1_score(t, p, average="macro")),
        ("recall", lambda t, p: sklearn_metrics.recall_score(t, p, average="macro")),
        ("cohen_kappa", sklearn_metrics.cohen_kappa_score),
        ("matthews_corr_coef", sklearn_metrics.matthews_corrcoef),
    ],
)
def test_a_metric_of_classification_agrees_with_scikit_learn(name: str, reference: Any) -> None:
    found = evaluate(Classifier(), split(200), name)
    assert found.metrics[name] == pytest.approx(reference(found.targets.numpy(), found.predictions.numpy()), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("mse", sklearn_metrics.mean_squared_error),
        ("mae", sklearn_metrics.mean_absolute_error),
        ("r2_score", sklearn_metrics.r2_score),
        ("explained_variance", sklearn_metrics.explained_variance_score),
    ],
)
def test_a_metric_of_regression_agrees_with_scikit_learn(name: str, reference: Any) -> None:
    found = evaluate(Regressor(), split(200), name)
    assert found.metrics[name] == pytest.approx(reference(found.targets.numpy(), found.predictions.numpy()), rel=1e-5)


def test_every_evaluation_measures_its_own_split_only() -> None:
    hardware = Hardware(HardwareConfig(device="cpu", strategy="none", precision="fp32", threads=None, peak_flops=None))
    evaluator = Evaluator(hardware, ["f1_score", "accuracy"], 7, CLASSES)
    first, second = evaluator.evaluate(Classifier(), split(30, 1)), evaluator.evaluate(Classifier(), split(30, 2))
    assert evaluator.evaluate(Classifier(), split(30, 1)).metrics == first.metrics != second.metrics


# ---- what is refused -----------------------------------------------------------------------------------------------


def test_an_unknown_metric_comes_with_the_closest_one() -> None:
    with pytest.raises(InputError, match=r"unknown metric 'acuracy' in trainer\.metrics, did you mean 'accuracy'"):
        evaluate(Classifier(), split(3), "acuracy")


def test_an_unknown_metric_is_refused_where_torchmetrics_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    with pytest.raises(InputError, match=r"did you mean 'accuracy'\?; known: accuracy, error, .* and those of torchm"):
        evaluate(Classifier(), split(3), "acuracy")


@pytest.mark.parametrize(
    "name", ["confusion_matrix", "auroc", "functional", "metric_collection", "metric", "bleu_score"]
)
def test_a_metric_that_is_no_number_of_these_predictions_is_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        evaluate(Classifier(), split(9), name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["accuracy", "error", "f1_score"])
def test_a_metric_of_classes_is_refused_where_the_targets_are_numbers(name: str) -> None:
    hardware = Hardware(HardwareConfig(device="cpu", strategy="none", precision="fp32", threads=None, peak_flops=None))
    with pytest.raises(InputError, match=f"metric '{name}' .* is for classes, .* take mse or mae"):
        Evaluator(hardware, [name], 7, n_classes=0)


def test_predictions_of_another_shape_than_the_targets_are_refused_rather_than_broadcast() -> None:
    class Flat(nn.Module):
        def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            return {"predictions": batch[0][:, 0], "targets": batch[0][:, :1]}

    with pytest.raises(InputError, match=r"'mse' .* predictions of shape \[7\] for targets of shape \[7, 1\]"):
        evaluate(Flat(), split(9), "mse")


def test_errors_of_numbers_are_measured_in_double_precision() -> None:
    class Large(nn.Module):
        """In half precision the difference of 2048 and 1 is 2048."""

        def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            n = len(batch[1])
            return {"predictions": torch.full((n, 1), 2048.0).half(), "targets": torch.ones(n, 1)}

    found = evaluate(Large(), split(3), "mse", "mae").metrics
    assert (found["mse"], found["mae"]) == (2047.0**2, 2047.0)


# ---- no trace ------------------------------------------------------------------------------------------------------


def facts(model: nn.Module) -> Any:
    """Every mode and draw; not Python's own draws, of which the type checks of the tests take some."""
    state = random_state()
    return [module.training for module in model.modules()], repr(state["numpy"]), state["torch"].tolist()


@pytest.mark.parametrize("training", [True, False])
def test_modes_and_draws_are_as_before(training: bool) -> None:
    model = Classifier().train(training)
    before = facts(model)
    evaluate(model, split(9), "accuracy")
    assert facts(model) == before


def test_a_part_that_was_frozen_stays_frozen() -> None:
    model = Classifier().train()
    model.dropout.eval()
    evaluate(model, split(9))
    assert model.training and not model.dropout.training


def test_modes_and_draws_are_as_before_after_an_error_too() -> None:
    class Broken(Classifier):
        def evaluation_step(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            super().evaluation_step(batch)
            raise ZeroDivisionError

    model = Broken().train()
    before = facts(model)
    with pytest.raises(ZeroDivisionError):
        evaluate(model, split(9))
    assert facts(model) == before


def test_it_can_be_stopped_between_two_batches() -> None:
    calls = []

    def stop() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    model = Classifier().train()
    before = facts(model)
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, split(21), batch_size=7, between_batches=stop)
    assert len(calls) == 2 and facts(model) == before


def test_nothing_is_learned() -> None:
    model = Classifier()
    found = evaluate(model, split(9))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not found.predictions.requires_grad
