"""The chapter as a reader uses it: the two scripts, the mistakes one makes with them, and the notebook."""

import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from cli.compose import compose_experiment, experiment_names
from config import ModelConfig
from engine import Run
from train import EXPERIMENT_PLOTS, main
from utils.errors import InputError

CHAPTER = Path(__file__).resolve().parents[1]
NOTEBOOK = CHAPTER / "notebooks" / "analysis.ipynb"


def script(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHAPTER / "src" / name), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of one run of `recall`, made by the script, pictures and all."""
    folder = tmp_path_factory.mktemp("chapter") / "outputs"
    arguments = ("--experiment", "recall", "--seed", "1", "--no-wandb", "--visualize", "--outputs", str(folder))
    done = script("train.py", *arguments, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    return folder


def test_training_leaves_its_files(outputs: Path) -> None:
    (models,), (pictures,), (logs,) = (
        list((outputs / kind).iterdir()) for kind in ("models", "visualizations", "logs")
    )
    assert models.name == pictures.name == logs.name
    expected = {"model_last.pt", "model_best.pt", "config.yaml", "metrics.json", "environment.json"}
    assert expected <= {path.name for path in models.iterdir()}
    assert {path.stem for path in pictures.iterdir()} == set(EXPERIMENT_PLOTS["recall"])
    assert {"train.log", "metrics.jsonl"} <= {path.name for path in logs.iterdir()}
    results = json.loads((models / "metrics.json").read_text())
    assert (results["status"], results["parameters"], results["last"]["train/accuracy"]) == ("finished", 40_000, 1.0)
    assert "seed: 1\n" in (models / "config.yaml").read_text().split("data:")[1]  # the seed decides the patterns too


def test_evaluating_finds_what_training_left(outputs: Path) -> None:
    arguments = ("--checkpoint", "latest", "--experiment", "recall", "--outputs", str(outputs), "seed=1")
    done = script("evaluate.py", *arguments, cwd=outputs.parent)
    assert done.returncode == 0, done.stderr
    assert re.search(r"accuracy\s+1\.0000", done.stdout)


def test_a_wrong_experiment_is_one_line_with_the_closest_name(tmp_path: Path) -> None:
    done = script("train.py", "--experiment", "recal", "--outputs", str(tmp_path / "outputs"), cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'recall'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.flipped=2", "model.flipped: input should be less than or equal to 1"),
        ("model.storage=hebb", "model.storage: input should be 'hebbian', 'pseudo_inverse' or 'softmax'"),
        ("model.storage=softmax", "beta is for storage=softmax, which needs it; null for any other"),
        ("model.beta=1", "beta is for storage=softmax, which needs it; null for any other"),
        ("model.sweep=3", "did you mean 'model.sweeps'"),
    ],
)
def test_a_mistake_in_the_model_section_is_named(override: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        compose_experiment(CHAPTER, "recall", [override], ModelConfig)


def test_the_softmax_network_has_no_asynchronous_recall() -> None:
    with pytest.raises(InputError, match="updates all units at once: order=synchronous"):
        compose_experiment(CHAPTER, "modern", ["model.order=asynchronous"], ModelConfig)


def test_every_experiment_names_its_plots() -> None:
    assert sorted(EXPERIMENT_PLOTS) == experiment_names(CHAPTER)


@pytest.mark.usefixtures("shapes_unchecked")
def test_the_notebook_executes_on_the_runs_that_there_are(tmp_path: Path) -> None:
    small = {"recall": "data.units=100", "overload": "trainer.batch_size=20", "modern": "data.n=600"}
    for experiment, override in small.items():
        overrides = [override, "tracking.wandb.enabled=false", "tracking.tensorboard=false"]
        main(Run(CHAPTER, compose_experiment(CHAPTER, experiment, overrides, ModelConfig), tmp_path / "outputs"))
    before = contents(tmp_path / "outputs")
    (tmp_path / "notebooks").mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path / "notebooks")}}).execute()
    assert contents(tmp_path / "outputs") == before  # it only read

    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in shown)
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    missing = set(re.findall(r"No run of (\S+) yet: python src/train.py --experiment \1", printed))
    assert missing == {"digits", "digits-pseudo-inverse"}
    assert len(pictures) == 4
    assert "holds  recall: train/energy_rise at_most 1e-09" in printed


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_notebook_is_clean_and_does_not_train() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    source = "\n".join(cell.source for cell in code)
    assert not re.search(r"Trainer|training_step|\.fit\(|store_|train\.py['\"]\s*,", source)
