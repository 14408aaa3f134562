"""A checkpoint that answers, without its data and in any batch."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some
from pydantic import create_model

from data_utils import load
from inference import PredictOptions, Predictor, Signature
from inference.answers import Decision, Values, classification, decision, values
from inference.signature import TensorSpec
from tests.doubles.bench import NETWORK, Bench
from tests.support.descriptions import described
from utils.errors import InputError

MODULES = ("serving", "config", "model")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A chapter with a short run, whose modules are gone at the end: other tests have others of the same names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCRATCH_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        bench = Bench(NETWORK, tmp_path_factory.mktemp("trained") / "outputs")
        bench.train(bench.run(bench.config("blobs")))
        yield bench
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.path.remove(str(NETWORK / "src"))


@pytest.fixture(scope="module")
def predictor(bench: Bench) -> Predictor:
    return Predictor.from_checkpoint(NETWORK, "latest", bench.outputs)


def test_a_model_answers_raw_examples_as_it_does_prepared_ones(bench: Bench, predictor: Predictor) -> None:
    data = bench.config("blobs").data
    prepared, raw = load(data).train, load(data.model_copy(update={"standardize": False})).train
    found = predictor.predict(raw.inputs.numpy())
    with torch.no_grad():
        expected = predictor.pipeline.model.evaluation_step((prepared.inputs, prepared.targets))["predictions"]
    assert [answer.label for answer in found] == [predictor.data.class_names[k] for k in expected]


def test_a_description_comes_through_a_checkpoint_unchanged(bench: Bench, predictor: Predictor) -> None:
    assert predictor.data == load(bench.config("blobs").data).description


@given(rows=some.lists(some.lists(some.floats(-5, 5), min_size=3, max_size=3), min_size=1, max_size=9))
def test_neither_the_batch_size_nor_the_neighbours_change_an_answer(predictor: Predictor, rows: list[Any]) -> None:
    together = predictor.outputs(predictor.batch(rows))
    for size in (1, 2, 100):
        apart = predictor.outputs(predictor.batch(rows), size)
        for name, expected in together.items():
            torch.testing.assert_close(apart[name], expected, atol=1e-6, rtol=1e-5)


def test_any_number_of_examples_is_answered_batch_by_batch(predictor: Predictor) -> None:
    examples = iter([[float(i), 0.0, 1.0] for i in range(7)])
    answers = predictor.stream(examples, batch_size=3)
    first = next(answers)
    assert next(examples) == [3.0, 0.0, 1.0]  # no more was read than the first batch
    assert first == predictor.predict([[0.0, 0.0, 1.0]])[0]
    assert len(list(answers)) == 5


def test_the_examples_are_counted_over_all_batches(predictor: Predictor) -> None:
    with pytest.raises(InputError, match="example 6: 1 numbers given"):
        list(predictor.stream([*[[0.0, 0.0, 1.0]] * 5, [1.0]], batch_size=2))
    with pytest.raises(InputError, match="example 7: the model's answer is not finite"):
        predictor.answers({"probabilities": torch.tensor([[0.5, 0.5], [torch.nan, 0.5]])}, PredictOptions(), before=5)
    with pytest.raises(InputError, match="no examples were given"):
        list(predictor.stream([]))


def test_dropout_is_off(predictor: Predictor) -> None:
    x = predictor.batch([[1.0, 2.0, 3.0]])
    assert torch.equal(predictor.outputs(x)["probabilities"], predictor.outputs(x)["probabilities"])
    assert not predictor.pipeline.training


def test_an_answer_that_is_not_finite_is_the_examples_fault(predictor: Predictor) -> None:
    outputs = {"probabilities": torch.tensor([[0.5, 0.5], [torch.nan, 0.5]])}
    with pytest.raises(InputError, match="example 2: the model's answer is not finite"):
        predictor.answers(outputs, PredictOptions())


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("abacus", "unknown device 'abacus'.*known: auto, cpu, cuda, mps"),
        ("cuda", "the device is cuda, but this machine has only cpu"),
    ],
)
def test_a_device_that_is_not_there_is_told(bench: Bench, device: str, said: str, monkeypatch: Any) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match=said):
        Predictor.from_checkpoint(NETWORK, "latest", bench.outputs, device)
    assert Predictor.from_checkpoint(NETWORK, "latest", bench.outputs, "auto").device == torch.device("cpu")


def test_a_chapter_that_says_nothing_cannot_be_asked(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / NETWORK.name).mkdir()
    with pytest.raises(InputError, match=r"cannot be asked: it has no src/serving.py"):
        Predictor.from_checkpoint(tmp_path / NETWORK.name, "latest", bench.outputs)


# Signatures


def test_a_signature_says_what_goes_in_and_comes_out(predictor: Predictor) -> None:
    signature = predictor.signature
    assert signature.chapter == NETWORK.name
    assert signature.inputs == (TensorSpec(name="x", dtype="float32", shape=(3,)),)
    assert signature.outputs == (TensorSpec(name="probabilities", dtype="float32", shape=(2,)),)
    assert Signature.model_validate_json(signature.model_dump_json()).digest() == signature.digest()


@pytest.mark.parametrize(
    "change",
    [{"shape": (4,)}, {"class_names": ("yes", "no")}, {"feature_names": ("a", "b", "c")}, {"target_names": ("y",)}],
)
def test_another_input_or_another_name_is_another_signature(change: dict[str, Any]) -> None:
    plain = Signature.of("chapter", (), described((3,)), Decision)
    other = Signature.of("chapter", (), described(change.pop("shape", (3,)), **change), Decision)
    assert other != plain
    assert other.digest() != plain.digest()


def test_other_values_and_other_words_are_the_same_signature() -> None:
    plain = Signature.of("chapter", (), described((3,)), create_model("A", x=(int, ...), __doc__="One."))
    other = Signature.of(
        "chapter", (), described((3,), high=(9.0,) * 3), create_model("A", x=(int, ...), __doc__="Two.")
    )
    assert other.digest() == plain.digest()
    assert Signature.of("chapter", (), described((3,)), create_model("A", x=(float, ...))).digest() != plain.digest()


# Answers

THREE = described((3,), class_names=("a", "b", "c"))


def row(**outputs: list[float]) -> dict[str, np.ndarray]:
    return {name: np.array(numbers, dtype=np.float32) for name, numbers in outputs.items()}


@pytest.mark.parametrize(("top", "names"), [(1, ["b"]), (2, ["b", "c"]), (9, ["b", "c", "a"])])
def test_the_most_likely_classes_are_named_in_order(top: int, names: list[str]) -> None:
    answer = classification(row(probabilities=[0.125, 0.625, 0.25]), THREE, PredictOptions(top=top))
    assert [candidate.label for candidate in answer.candidates] == names
    assert (answer.label, answer.probability) == ("b", 0.625)


@pytest.mark.parametrize(("threshold", "label"), [(0.625, "b"), (0.63, None), (None, "b")])
def test_below_the_threshold_no_class_is_named(threshold: float | None, label: str | None) -> None:
    answer = classification(row(probabilities=[0.125, 0.625, 0.25]), THREE, PredictOptions(threshold=threshold))
    assert answer.label == label


@pytest.mark.parametrize(("score", "asked", "label"), [(0.5, None, "no"), (0.75, None, "yes"), (0.75, 0.8, "no")])
def test_a_single_score_is_held_against_the_threshold(score: float, asked: float | None, label: str) -> None:
    answer = decision(row(scores=[score]), described((3,)), PredictOptions(threshold=asked), threshold=0.5)
    assert answer == Decision(label=label, score=score, threshold=asked or 0.5)


def test_of_several_scores_the_largest_wins() -> None:
    answer = decision(row(scores=[-1.0, 2.0, 0.5]), THREE, PredictOptions(threshold=5.0), threshold=0.5)
    assert answer == Decision(label="b", score=2.0, threshold=None)


def test_values_are_told_by_their_names() -> None:
    data = described((3,), class_names=(), target_names=("height", "weight"))
    assert values(row(values=[1.5, 2.0]), data) == Values(values={"height": 1.5, "weight": 2.0})
