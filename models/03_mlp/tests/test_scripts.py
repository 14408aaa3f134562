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
from data_utils import load
from engine import Run
from model import network_for
from train import EXPERIMENT_PLOTS, main
from utils.errors import InputError

CHAPTER = Path(__file__).resolve().parents[1]
NOTEBOOK = CHAPTER / "notebooks" / "analysis.ipynb"
QUIET = ["tracking.wandb.enabled=false", "tracking.tensorboard=false"]


def script(name: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHAPTER / "src" / name), *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs of one run of `xor`, made by the script, pictures and all."""
    folder = tmp_path_factory.mktemp("chapter") / "outputs"
    arguments = ("--experiment", "xor", "--seed", "1", "--no-wandb", "--visualize", "--outputs", str(folder))
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
    assert {path.stem for path in pictures.iterdir()} == set(EXPERIMENT_PLOTS["xor"])
    assert {"train.log", "metrics.jsonl"} <= {path.name for path in logs.iterdir()}
    results = json.loads((models / "metrics.json").read_text())
    assert (results["status"], results["parameters"], results["last"]["train/accuracy"]) == ("finished", 33, 1.0)


def test_evaluating_finds_what_training_left(outputs: Path) -> None:
    arguments = ("--checkpoint", "latest", "--experiment", "xor", "--outputs", str(outputs))
    done = script("evaluate.py", *arguments, cwd=outputs.parent)
    assert done.returncode == 0, done.stderr
    assert re.search(r"accuracy\s+1\.0000", done.stdout)


@pytest.mark.parametrize("experiment", experiment_names(CHAPTER))
def test_every_experiment_has_a_config_that_makes_a_network_and_names_its_plots(experiment: str) -> None:
    config = compose_experiment(CHAPTER, experiment, [], ModelConfig)
    assert len(config.seeds) >= 5
    assert config.claims
    assert EXPERIMENT_PLOTS[experiment]


def test_no_plots_are_named_for_experiments_that_do_not_exist() -> None:
    assert sorted(EXPERIMENT_PLOTS) == experiment_names(CHAPTER)


@pytest.mark.parametrize("experiment", ["spirals-linear", "vanishing"])
def test_a_successor_in_this_chapter_learns_from_the_same_data_for_as_long(experiment: str) -> None:
    config = compose_experiment(CHAPTER, experiment, [], ModelConfig)
    assert config.successor is not None
    successor = compose_experiment(CHAPTER, config.successor.experiment.removeprefix("03_mlp/"), [], ModelConfig)
    assert successor.data == config.data
    assert successor.trainer == config.trainer
    assert successor.seeds == config.seeds


def test_xor_is_the_very_experiment_that_the_perceptron_fails() -> None:
    import yaml

    ours, theirs = (
        yaml.safe_load((folder / "config/experiment/xor.yaml").read_text())
        for folder in (CHAPTER, CHAPTER.parent / "01_perceptron")
    )
    assert theirs["successor"] == "03_mlp/xor"
    for key in ("data", "seeds"):
        assert ours[key] == theirs[key]
    assert ours["claims"][0]["metric"] == theirs["claims"][0]["metric"]


@pytest.mark.usefixtures("shapes_unchecked")
@pytest.mark.parametrize(
    ("experiment", "epochs", "metric", "at_most"),
    [
        ("digits", 3, "validation/loss", 0.6),
        ("moons", 10, "validation/loss", 0.35),
        ("sine", 20, "validation/mse", 0.2),
    ],
)
def test_a_short_run_learns(experiment: str, epochs: int, metric: str, at_most: float, tmp_path: Path) -> None:
    config = compose_experiment(CHAPTER, experiment, [*QUIET, f"trainer.duration='{epochs} epochs'"], ModelConfig)
    main(Run(CHAPTER, config, tmp_path))
    (results,) = tmp_path.glob("models/*/metrics.json")
    assert json.loads(results.read_text())["last"][metric] <= at_most


def test_a_wrong_experiment_is_one_line_with_the_closest_name(tmp_path: Path) -> None:
    done = script("train.py", "--experiment", "xro", "--outputs", str(tmp_path / "outputs"), cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean 'xor'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.hidden=[0]", "model.hidden.0: input should be greater than or equal to 1"),
        ("model.hidden=[8,x]", "model.hidden.1: input should be a valid integer"),
        ("model.activation=softsign", "model.activation: input should be 'sigmoid', 'tanh' or 'relu'"),
        ("model.optimizer.lr=0", "model.optimizer.lr: input should be greater than 0"),
        ("model.output=sigmoid model.loss=cross_entropy", "model.output must be identity"),
        ("model.hiden=8", "did you mean 'model.hidden'"),
        ("model/optimizer=adamm", "did you mean 'adam'"),
    ],
)
def test_a_mistake_in_the_model_section_is_named(override: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        compose_experiment(CHAPTER, "xor", override.split(), ModelConfig)


def test_a_loss_for_classes_on_numbers_is_refused() -> None:
    config = compose_experiment(CHAPTER, "sine", ["model.loss=cross_entropy"], ModelConfig)
    with pytest.raises(InputError, match="loss is cross_entropy, but the targets are numbers"):
        network_for(config.model, load(config.data))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam", "adamw"])
@pytest.mark.parametrize("initialisation", ["zeros", "normal", "uniform", "glorot", "he"])
def test_every_choice_has_a_file_that_the_command_line_can_name(optimizer: str, initialisation: str) -> None:
    overrides = [f"model/optimizer={optimizer}", f"model/initialisation={initialisation}"]
    config = compose_experiment(CHAPTER, "digits", overrides, ModelConfig)
    assert (config.model.optimizer.name, config.model.initialisation.name) == (optimizer, initialisation)


@pytest.mark.usefixtures("shapes_unchecked")
def test_the_notebook_executes_on_the_runs_that_there_are(tmp_path: Path) -> None:
    for experiment, changes in (
        ("xor", ["trainer.duration='50 epochs'"]),
        ("vanishing", ["trainer.duration='2 epochs'"]),
        ("width", ["trainer.duration='1 epochs'", "model.hidden=[4]"]),
        ("width", ["trainer.duration='1 epochs'", "model.hidden=[16]"]),
    ):
        main(
            Run(CHAPTER, compose_experiment(CHAPTER, experiment, [*QUIET, *changes], ModelConfig), tmp_path / "outputs")
        )
    before = contents(tmp_path / "outputs")
    (tmp_path / "notebooks").mkdir()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path / "notebooks")}}).execute()
    assert contents(tmp_path / "outputs") == before  # it only read

    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    printed = "".join(output.get("text", "") for output in shown)
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    missing = set(re.findall(r"No run of (\S+) yet: python src/train.py --experiment \1", printed))
    assert missing == {"vanishing-cured", "depth", "initialisation", "learning-rate", "mnist"}
    assert len(pictures) == 3
    assert "width: model.hidden [4]" in printed


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_notebook_is_clean_and_does_not_train() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    source = "\n".join(cell.source for cell in code)
    assert not re.search(r"Trainer|training_step|\.fit\(|\.learn\(|train\.py['\"]\s*,", source)
