"""What a model is served with is what it learned with: the same preparation, undone where it must be."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from data_utils import Splits, load
from data_utils.config import DataConfig
from data_utils.description import Description
from inference.pipeline import Pipeline

PICTURES = {"train_size": None, "permute_pixels": None, "shift": 0}
HELD_OUT = {"validation": 0.2, "test": 0.2, "split_seed": 0}
SPLITS = ("train", "validation", "test")
LINE = {"name": "line", "n": 40, "features": 3, "noise": 0.1, "seed": 0, **HELD_OUT}


@pytest.fixture(autouse=True, scope="module")
def _data(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRATCH_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield


def data(**settings: Any) -> Any:
    return TypeAdapter(DataConfig).validate_python({"standardize": False, **settings})


def pipeline(settings: dict[str, Any], name: str, model: nn.Module | None = None) -> tuple[Pipeline, Splits]:
    """A pipeline for the data `settings`, and the data; the model says what it is given where it is None."""
    config = data(**settings)
    splits = load(config)
    description = Description.model_validate_json(splits.description.model_dump_json())  # as a checkpoint keeps it
    serving: Any = SimpleNamespace(Answer=None, decode=print, outputs=lambda model, x: {name: model(x)})
    return Pipeline(model or nn.Identity(), serving, description, config), splits


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({"name": "iris", **HELD_OUT}, {"standardize": True}),
        ({"name": "digits", **HELD_OUT, **PICTURES}, {"standardize": True}),
        ({"name": "digits", **HELD_OUT, **PICTURES}, {"permute_pixels": 3}),
        ({"name": "digits", **HELD_OUT, **PICTURES}, {"permute_pixels": 3, "standardize": True}),
        ({**LINE, "standardize_targets": False}, {"standardize": True}),
    ],
    ids=["columns", "channels", "pixels", "pixels and channels", "line"],
)
def test_raw_examples_become_what_the_model_learned_from(settings: dict[str, Any], change: dict[str, Any]) -> None:
    raw = load(data(**settings))
    prepare, prepared = pipeline({**settings, **change}, "x")
    for split in SPLITS:
        assert torch.equal(prepare(raw.split(split).inputs)["x"], prepared.split(split).inputs)


def test_targets_come_back_in_their_units() -> None:
    raw, learned = (load(data(**LINE, standardize_targets=yes)) for yes in (False, True))
    for split in SPLITS:
        told = Told(learned.split(split).targets)
        back, _ = pipeline({**LINE, "standardize_targets": True}, "values", told)
        found = back(raw.split(split).inputs)["values"]
        torch.testing.assert_close(found, raw.split(split).targets)
        assert found.dtype == torch.float32


def test_only_values_are_in_the_units_of_targets() -> None:
    scores, _ = pipeline({**LINE, "standardize_targets": True}, "scores")
    x = torch.ones(2, 3)
    assert torch.equal(scores(x)["scores"], x)


class Told(nn.Module):
    """Answers with what it was told."""

    def __init__(self, answers: Tensor) -> None:
        super().__init__()
        self.answers = answers

    def forward(self, x: Tensor) -> Tensor:
        return self.answers


def test_a_pipeline_can_be_exported_for_any_batch() -> None:
    plain, _ = pipeline({"name": "digits", **HELD_OUT, **PICTURES, "permute_pixels": 3, "standardize": True}, "x")
    batch = torch.export.Dim("batch", min=1)
    graph = torch.export.export(plain, (torch.ones(2, 1, 8, 8),), dynamic_shapes=({0: batch},)).module()
    for n in (1, 2, 7):
        x = torch.rand(n, 1, 8, 8)
        assert torch.equal(graph(x)["x"], plain(x)["x"])
