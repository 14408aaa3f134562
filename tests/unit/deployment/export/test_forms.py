"""Trained models in other forms: each gives the numbers of its checkpoint, and says where it comes from."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from deployment.export import agreement, as_onnx, as_safetensors, as_triton
from deployment.export.agreement import batches, check, largest_difference
from deployment.export.forms import export, read
from deployment.export.names import FORMS
from engine.config import ExperimentConfig
from inference.predictor import Predictor
from tests.doubles.served import served
from utils.errors import InputError, RunError

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def config(experiment: Callable[..., ExperimentConfig[Any]]) -> ExperimentConfig[Any]:
    return experiment()


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory, config: ExperimentConfig[Any]) -> Predictor:
    return served(tmp_path_factory.mktemp("clone") / "01_toy", config)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, predictor: Predictor) -> dict[str, Path]:
    """The model in every form."""
    folder = tmp_path_factory.mktemp("exported")
    return {form: export(predictor, form, folder) for form in FORMS}


# ---- every form --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_a_form_gives_the_numbers_of_its_checkpoint(form: str, exported: dict[str, Path], predictor: Predictor) -> None:
    assert check(predictor, exported[form]) < 1e-6


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 5])
def test_a_form_takes_a_batch_of_any_length(
    form: str, size: int, exported: dict[str, Path], predictor: Predictor
) -> None:
    outputs = read(exported[form], predictor)(torch.zeros(size, 2))
    assert outputs["probabilities"].shape == (size, 2)


@pytest.mark.parametrize("form", ["onnx", "torch", "safetensors"])
def test_the_same_model_has_the_same_bytes(
    form: str, exported: dict[str, Path], predictor: Predictor, tmp_path: Path
) -> None:
    assert export(predictor, form, tmp_path).read_bytes() == exported[form].read_bytes()


@pytest.mark.parametrize("form", ["onnx", "torch"])
def test_no_file_tells_where_it_was_made(form: str, exported: dict[str, Path]) -> None:
    content = exported[form].read_bytes()
    assert str(ROOT).encode() not in content
    assert b"served.py" not in content


def test_an_unknown_form_is_told_with_the_closest(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown format 'onx', did you mean 'onnx'"):
        export(predictor, "onx", tmp_path)


def test_an_unknown_backend_is_told_with_the_closest(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown Triton backend 'onxruntime', did you mean 'onnxruntime'"):
        export(predictor, "triton", tmp_path, triton_backend="onxruntime")
    assert list(tmp_path.iterdir()) == []


def test_a_chapter_that_looks_at_the_values_is_refused_in_a_line(config: ExperimentConfig[Any], tmp_path: Path) -> None:
    def by_value(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
        return {"probabilities": model(x) if x.sum() > 0 else x}

    predictor = served(tmp_path / "01_toy", config, by_value)
    with pytest.raises(
        RunError, match=r"01_toy cannot be exported: .*; the function outputs in its src/serving\.py"
    ) as error:
        export(predictor, "torch", tmp_path)
    assert "\n" not in str(error.value)


# ---- ONNX --------------------------------------------------------------------------------------------------------


def test_the_onnx_file_says_what_it_is(exported: dict[str, Path], predictor: Predictor) -> None:
    model = onnx.load(exported["onnx"])
    says = {each.key: each.value for each in model.metadata_props}
    assert says == {
        "chapter": "01_toy",
        "experiment": "small",
        "run_id": "small-0",
        "step": "12",
        "signature": predictor.signature.digest(),
        "class_names": '["a", "b"]',
    }
    shapes = {
        each.name: [dimension.dim_param or dimension.dim_value for dimension in each.type.tensor_type.shape.dim]
        for each in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"x": ["batch", 2], "probabilities": ["batch", 2]}


def test_an_operation_that_onnx_lacks_is_told_in_a_line(config: ExperimentConfig[Any], tmp_path: Path) -> None:
    predictor = served(tmp_path / "01_toy", config, lambda model, x: {"a": torch.special.bessel_j0(model(x))})
    with pytest.raises(RunError, match=r"01_toy has no ONNX form: .*bessel_j0") as error:
        export(predictor, "onnx", tmp_path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_a_model_too_large_for_an_onnx_file_is_refused(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_onnx, "_LARGEST", 10)
    with pytest.raises(InputError, match="an ONNX file holds 2 GiB; take --format torch"):
        export(predictor, "onnx", tmp_path)


# ---- safetensors -------------------------------------------------------------------------------------------------


def test_weights_come_back_as_the_predictor_that_they_were(exported: dict[str, Path], predictor: Predictor) -> None:
    again = as_safetensors.read(exported["safetensors"], predictor.chapter)
    assert (again.run_id, again.step, again.metrics) == ("small-0", 12, {"train/accuracy": 0.75})
    assert again.config.model_dump(mode="json") == predictor.config.model_dump(mode="json")
    assert again.signature == predictor.signature


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (lambda folder: (folder / "model.safetensors").unlink(), "cannot read .*model.safetensors"),
    "no config": (lambda folder: (folder / "config.yaml").unlink(), "cannot read .*config.yaml: No such file"),
    "cut short": (lambda folder: (folder / "model.safetensors").write_bytes(b"\1"), "holds no whole export"),
    "no origin": (lambda folder: save_file({}, folder / "model.safetensors"), "holds no whole export"),
    "no JSON": (lambda folder: (folder / "description.json").write_text("{"), "holds no whole export"),
    "no YAML": (lambda folder: (folder / "config.yaml").write_text("{"), "holds no whole export"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_weights_are_refused_in_a_line(damage: str, predictor: Predictor, tmp_path: Path) -> None:
    path = export(predictor, "safetensors", tmp_path)
    spoil, message = DAMAGE[damage]
    spoil(tmp_path)
    with pytest.raises(InputError, match=message):
        as_safetensors.read(path, predictor.chapter)


def test_weights_of_another_chapter_are_refused(
    exported: dict[str, Path], config: ExperimentConfig[Any], tmp_path: Path
) -> None:
    other = served(tmp_path / "02_other", config)
    with pytest.raises(InputError, match="is from chapter 01_toy, not from 02_other"):
        as_safetensors.read(exported["safetensors"], other.chapter)


# ---- Triton ------------------------------------------------------------------------------------------------------


def test_the_python_backend_gets_its_script(exported: dict[str, Path]) -> None:
    assert sorted(path.name for path in exported["triton"].rglob("*") if path.is_file()) == [
        "config.pbtxt",
        "model.onnx",
        "model.py",
    ]
    assert 'backend: "python"' in (exported["triton"] / "config.pbtxt").read_text()


def test_the_onnxruntime_backend_needs_none(predictor: Predictor, tmp_path: Path) -> None:
    model = export(predictor, "triton", tmp_path, triton_backend="onnxruntime")
    assert not (model / "1/model.py").exists()
    assert 'backend: "onnxruntime"' in (model / "config.pbtxt").read_text()


def test_an_output_of_one_number_for_each_example_is_reshaped_for_triton(
    config: ExperimentConfig[Any], tmp_path: Path
) -> None:
    predictor = served(tmp_path / "01_toy", config, lambda model, x: {"energy": model(x).double().sum(1)})
    line = 'name: "energy" data_type: TYPE_FP64 dims: [1] reshape: { shape: [] }'
    assert line in as_triton.config(predictor, "python")


# ---- agreement ---------------------------------------------------------------------------------------------------


def test_what_is_tried_lies_in_the_range_of_the_data_and_reaches_its_ends(predictor: Predictor) -> None:
    tried = list(batches(predictor.data))
    assert [len(x) for x in tried] == [1, 2, 3, 7, 32, 2]
    assert tried[-1].tolist() == [[-1.0, 0.0], [1.0, 4.0]]
    assert all((x >= tried[-1][0]).all() and (x <= tried[-1][1]).all() for x in tried)
    assert all(torch.equal(x, again) for x, again in zip(tried, batches(predictor.data), strict=True))


def test_texts_are_tried_as_words(config: ExperimentConfig[Any], tmp_path: Path) -> None:
    def spelled(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
        return {"probabilities": torch.softmax(x.sum(1), dim=1)}

    ends = {"low": [0.0] * 4, "high": [1.0] * 4, "feature_names": [], "standardization": None}
    predictor = served(tmp_path / "01_toy", config, spelled, input_shape=[4, 2], **ends)
    assert all(torch.equal(x.sum(-1), torch.ones(len(x), 4)) for x in batches(predictor.data))


def test_an_export_of_other_weights_is_refused(
    exported: dict[str, Path], config: ExperimentConfig[Any], tmp_path: Path
) -> None:
    other = served(tmp_path / "01_toy", config, seed=1)
    with pytest.raises(
        RunError, match=r"model\.onnx differs from the checkpoint of small-1 by 0\.\d+, more than 0\.0001"
    ):
        check(other, exported["onnx"])


Answers = Callable[[Tensor], Tensor]
DIFFERENCES: dict[str, tuple[Answers, Answers, float]] = {
    "none": (lambda x: x, lambda x: x, 0.0),
    "a number": (lambda x: x * 0, lambda x: x * 0 + 0.25, 0.25),
    "in units of the largest number": (lambda x: x * 0 + 1000, lambda x: x * 0 + 1001, 0.001),
    "the same infinity": (lambda x: x / 0, lambda x: x / 0, 0.0),
    "not a number, both": (lambda x: x * float("nan"), lambda x: x * float("nan"), 0.0),
    "not a number, one": (lambda x: x, lambda x: x * float("nan"), float("inf")),
    "infinite, one": (lambda x: x, lambda x: x / 0, float("inf")),
    "another type": (lambda x: x, lambda x: x.double(), float("inf")),
    "another shape": (lambda x: x, lambda x: x[:, :1], float("inf")),
}


@pytest.mark.parametrize("case", DIFFERENCES)
def test_a_difference_is_measured(
    case: str, predictor: Predictor, exported: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs, apart = DIFFERENCES[case]
    monkeypatch.setattr(agreement, "read", lambda exported, predictor: lambda x: {"a": theirs(x)})
    monkeypatch.setattr(predictor, "outputs", lambda x: {"a": ours(x)})
    assert largest_difference(predictor, exported["onnx"]) == pytest.approx(apart)


def test_other_outputs_are_infinitely_far(
    predictor: Predictor, exported: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "read", lambda exported, predictor: lambda x: {"scores": x})
    assert largest_difference(predictor, exported["onnx"]) == float("inf")
