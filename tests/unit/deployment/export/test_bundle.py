"""A folder with an export is whole or not there; its card says what the model is."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from deployment.export import as_onnx, as_safetensors, as_torch
from deployment.export import bundle as module
from deployment.export.bundle import bundle
from deployment.export.card import model_card
from deployment.export.forms import export
from deployment.export.names import FORMS
from engine.config import ExperimentConfig
from inference.predictor import Predictor
from tests.doubles.served import served
from utils.errors import InputError, Interrupted, RunError

README = """
## What it cannot do

It solves no ![picture](images/xor.png)[XOR](docs/xor.md).

## Results
"""
RESULTS = {
    "small": {
        "date": "2026-01-02",
        "seeds": [0, 1],
        "claims": [
            {"says": "loss", "kind": "theorem", "measured": "0.1", "limit": "at most 0.2", "holds": True},
            {"says": "|error|", "kind": "measured", "measured": "0.5", "limit": "at most 0.4", "holds": False},
        ],
    }
}


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory, experiment: Callable[..., ExperimentConfig[Any]]) -> Predictor:
    folder = tmp_path_factory.mktemp("clone") / "01_toy"
    predictor = served(folder, experiment())
    (folder / "README.md").write_text(README)
    (folder / "results.json").write_text(json.dumps(RESULTS))
    return predictor


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, predictor: Predictor) -> Path:
    """A folder with every form."""
    folder = tmp_path_factory.mktemp("made") / "export"
    found = bundle(predictor, FORMS, folder)
    assert found.keys() == set(FORMS)
    assert max(found.values()) < 1e-6
    return folder


@pytest.fixture(scope="module")
def card(made: Path) -> str:
    return (made / "MODEL_CARD.md").read_text()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# ---- the folder --------------------------------------------------------------------------------------------------


def test_a_folder_has_every_form_and_nothing_else(made: Path) -> None:
    assert files(made.parent) == [
        "export/01_toy/1/model.onnx",
        "export/01_toy/1/model.py",
        "export/01_toy/config.pbtxt",
        "export/MODEL_CARD.md",
        "export/config.yaml",
        "export/description.json",
        "export/model.onnx",
        "export/model.pt2",
        "export/model.safetensors",
    ]


def test_a_folder_that_is_there_is_refused(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists already; choose another folder, or replace it with --force"):
        bundle(predictor, ["safetensors"], tmp_path)


def test_force_replaces_an_earlier_export_whole(predictor: Predictor, tmp_path: Path) -> None:
    bundle(predictor, ["safetensors"], tmp_path / "export")
    bundle(predictor, ["torch"], tmp_path / "export", force=True)
    assert files(tmp_path) == ["export/MODEL_CARD.md", "export/model.pt2"]


def test_force_replaces_nothing_but_an_export(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(InputError, match="is no earlier export, and is not replaced"):
        bundle(predictor, ["safetensors"], tmp_path, force=True)
    assert files(tmp_path) == ["thesis.txt"]


def test_a_form_that_gives_other_numbers_leaves_nothing(
    predictor: Predictor,
    experiment: Callable[..., ExperimentConfig[Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = served(tmp_path / "01_toy", experiment(), seed=1)
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    monkeypatch.setattr(module, "export", lambda predictor, *rest: export(other, *rest))
    with pytest.raises(RunError, match=r"model\.pt2 differs from the checkpoint of small-0"):
        bundle(predictor, ["torch"], wrong / "export")
    assert list(wrong.iterdir()) == []


def test_an_earlier_export_stays_where_the_new_one_fails(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*arguments: object) -> Path:
        raise Interrupted(15, "stopped by SIGTERM")

    bundle(predictor, ["safetensors"], tmp_path / "export")
    before = files(tmp_path)
    monkeypatch.setattr(module, "export", stop)
    with pytest.raises(Interrupted):
        bundle(predictor, ["torch"], tmp_path / "export", force=True)
    assert files(tmp_path) == before


@pytest.mark.parametrize("place", ["a file/export", "/proc/export"])
def test_a_place_where_nothing_can_be_written_is_one_line(place: str, predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(RunError, match=r"cannot write .*export: .*; choose "):
        bundle(predictor, ["safetensors"], tmp_path / place)


# ---- the card ----------------------------------------------------------------------------------------------------


def test_the_card_says_what_the_model_is(card: str, predictor: Predictor) -> None:
    for line in (
        "# Model card: Toy, `small`",
        "| Paper | A. One: On toys, 1958. <https://example.org/toys> |",
        "| Run | small-0, step 12 |",
        "| Size | 6 parameters, 24 bytes |",
        f"| Signature | {predictor.signature.digest()} |",
        "| input | `x` | float32 | [batch, 2] |",
        "| output | `probabilities` | float32 | [batch, 2] |",
        "Columns: width, height.",
        "Classes: a, b.",
        "| `train/accuracy` | 0.75 |",
    ):
        assert line in card.splitlines()


def test_what_an_optimizer_remembers_is_no_part_of_the_size(
    experiment: Callable[..., ExperimentConfig[Any]], tmp_path: Path
) -> None:
    predictor = served(tmp_path / "01_toy", experiment())
    predictor.pipeline.model.register_buffer("velocity", torch.zeros(6))
    assert "| Size | 6 parameters, 24 bytes |" in model_card(predictor, tmp_path)


def test_a_paper_without_authors_or_address_has_no_empty_places(
    experiment: Callable[..., ExperimentConfig[Any]], tmp_path: Path
) -> None:
    predictor = served(tmp_path / "01_toy", experiment())
    constants = tmp_path / "01_toy/src/constants.py"
    constants.write_text(constants.read_text().replace("A. One", "").replace("https://example.org/toys", ""))
    assert "| Paper | On toys, 1958. |" in model_card(predictor, tmp_path).splitlines()


def test_the_card_says_where_the_data_is_from_and_what_may_be_done_with_it(card: str) -> None:
    assert "- **Source**: generated" in card
    assert re.search(r"^The model: Apache-2\.0\. The data: .+\.$", card, re.MULTILINE)


def test_the_card_has_the_verdict_on_every_claim(card: str) -> None:
    assert "| loss | theorem | 0.1 | at most 0.2 | yes |" in card
    assert r"| \|error\| | measured | 0.5 | at most 0.4 | **no** |" in card
    assert "checked on 2026-01-02 over runs with the seeds 0, 1" in card


def test_the_card_says_what_the_method_cannot_do(card: str) -> None:
    assert "## What it cannot do\n\nOf the method, from the chapter's README:\n\nIt solves no XOR.\n" in card


def test_a_chapter_that_was_never_reproduced_has_no_claims(
    experiment: Callable[..., ExperimentConfig[Any]], tmp_path: Path
) -> None:
    bundle(served(tmp_path / "01_toy", experiment()), ["safetensors"], tmp_path / "export")
    card = (tmp_path / "export/MODEL_CARD.md").read_text()
    assert "the claims of this experiment have not been checked" in card
    assert "from the chapter's README" not in card


def test_the_card_has_the_digest_of_every_file(card: str, made: Path) -> None:
    listed = dict(re.findall(r"^\| `(\S+)` \| \d+ \| `([0-9a-f]{64})` \|$", card, re.MULTILINE))
    digests = {name: hashlib.sha256((made / name).read_bytes()).hexdigest() for name in files(made)}
    assert listed == {name: digest for name, digest in digests.items() if name != "MODEL_CARD.md"}


def test_the_card_is_the_same_for_the_same_model(card: str, predictor: Predictor, tmp_path: Path) -> None:
    bundle(predictor, FORMS, tmp_path / "export")
    assert (tmp_path / "export/MODEL_CARD.md").read_text() == card


def test_the_card_tells_only_how_to_load_what_is_there(predictor: Predictor, tmp_path: Path) -> None:
    bundle(predictor, ["torch"], tmp_path / "export")
    card = (tmp_path / "export/MODEL_CARD.md").read_text()
    assert re.findall(r"^```(\w+)$", card, re.MULTILINE) == ["python"]
    assert "torch.export.load" in card


@pytest.mark.parametrize(
    ("backend", "commands"),
    [
        ("python", ["scratch tritonserver .", 'pip install onnxruntime && tritonserver --model-repository "$PWD"']),
        ("onnxruntime", ['tritonserver --model-repository "$PWD"']),
    ],
)
def test_the_card_starts_triton_where_it_has_the_backend_that_the_model_wants(
    backend: str, commands: list[str], predictor: Predictor, tmp_path: Path
) -> None:
    bundle(predictor, ["triton"], tmp_path / "export", triton_backend=backend)
    (shown,) = re.findall(r"^```bash\n(.*?)```", (tmp_path / "export/MODEL_CARD.md").read_text(), re.MULTILINE | re.S)
    assert [line.partition("  # ")[0].rstrip() for line in shown.splitlines()] == commands


@pytest.mark.parametrize("form", [as_onnx, as_torch, as_safetensors], ids=lambda form: form.FILE)
def test_the_page_shows_what_the_card_shows(form: Any) -> None:
    page = (Path(__file__).resolve().parents[4] / "docs/export.md").read_text()
    assert form.USE.format(shape=(1, 1, 8, 8), chapter="models/03_mlp") in page
