"""`scratch optimise`, from a training to a smaller model: what docs/optimise.md promises."""

import json
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
import torch

from deployment.optimise.settings import read_settings
from engine.checkpoint.file import load_checkpoint
from tests.doubles.scripts import COMMAND, READY, Ended, finish, start
from tests.doubles.toy_clone import REPOSITORY, ToyClone

pytestmark = pytest.mark.timeout(200)

MLP, PERCEPTRON = REPOSITORY / "models/03_mlp", REPOSITORY / "models/01_perceptron"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("optimise")


def trained(chapter: Path, experiment: str, outputs: Path, *arguments: str) -> str:
    """The id of a new run."""
    options = ("--experiment", experiment, "--no-wandb", "--outputs", outputs, *arguments)
    ended = finish(start(chapter / "src/train.py", *options, cwd=outputs.parent), None)
    assert ended.code == 0, ended.stderr
    (run,) = (outputs / "models").iterdir()
    return run.name


def with_chapter(root: Path, chapter: Path) -> ToyClone:
    """A clone with the real command line and a real chapter."""
    clone = ToyClone(root)
    for package in ("config", "data_utils", "engine", "inference", "plotting"):
        (root / package).symlink_to(REPOSITORY / package)
    shutil.copytree(REPOSITORY / "deployment", root / "deployment", dirs_exist_ok=True)
    left_out = shutil.ignore_patterns("outputs", ".venv", "__pycache__")
    shutil.copytree(chapter, root / "models" / chapter.name, ignore=left_out)
    clone.fill(clone.project.venv(clone.project.chapter(chapter.name)))
    return clone


def optimise(chapter: Path, outputs: Path, *arguments: object) -> Ended:
    options = ("--outputs", outputs, *arguments)
    return finish(start(*COMMAND, "optimise", chapter, *options, cwd=outputs.parent, env=READY), None)


@pytest.fixture(scope="module")
def digits(place: Path) -> tuple[Path, str]:
    """Outputs with one run of a network that makes its own updates to one vector of parameters."""
    outputs = place / "digits"
    return outputs, trained(MLP, "digits", outputs, "--epochs", "4")


@pytest.fixture(scope="module")
def pruned(digits: tuple[Path, str]) -> tuple[dict[str, Any], Ended]:
    outputs, run = digits
    ended = optimise(MLP, outputs, "--checkpoint", run, "--prune", "0.7", "--epochs", "2")
    assert ended.code == 0, ended.stderr
    return json.loads((outputs / f"optimised/{run}-pruned-0.7/report.json").read_text()), ended


# The first tests go on from each other's results, in their order.


def test_pruning_leaves_a_table_a_report_and_pictures(
    digits: tuple[Path, str], pruned: tuple[dict[str, Any], Ended]
) -> None:
    outputs, run = digits
    report, ended = pruned
    left = {path.name for path in (outputs / f"optimised/{run}-pruned-0.7").iterdir()}
    assert left == {"report.json", "optimisation.png", "pruning_curve.png"}
    assert [form["name"] for form in report["forms"]] == ["checkpoint", "pruned 0.7", "pruned 0.7, trained on"]
    before, at_once, after = report["forms"]
    assert after["compressed"] < 0.6 * before["compressed"]
    assert after["bytes"] == before["bytes"]
    assert after["value"] > at_once["value"]
    assert list(before["milliseconds"]) == ["1", "64"]
    assert [point["sparsity"] for point in report["points"]] == sorted({0.7, *read_settings().sparsities})
    assert "3,367 of 4,810 parameters are zero: a dense product takes no less time for that" in ended.stdout


def test_the_pruned_weights_stayed_zero_while_it_trained_on(
    digits: tuple[Path, str], pruned: tuple[dict[str, Any], Ended]
) -> None:
    outputs, run = digits
    report, _ = pruned
    content = load_checkpoint(outputs / "models" / report["pruned_run"] / "model_last.pt")
    theta = content["model"]["theta"]
    assert int((theta == 0).sum()) == report["pruned"] == 3367
    former = load_checkpoint(next((outputs / "models" / run).glob("model_*.pt")))["model"]["theta"]
    left = theta != 0
    assert not torch.equal(theta[left], former[left])
    assert "pruned-0.7" in content["config"]["tags"]
    assert content["config"]["trainer"]["duration"] == "2 epochs"


def test_a_pruned_checkpoint_is_evaluated_like_any_other_and_the_report_says_the_same(
    digits: tuple[Path, str], pruned: tuple[dict[str, Any], Ended]
) -> None:
    outputs, (report, _) = digits[0], pruned
    run = report["pruned_run"]
    arguments = ("--checkpoint", run, "--experiment", "digits", "--outputs", outputs)
    ended = finish(start(MLP / "src/evaluate.py", *arguments, cwd=outputs.parent), None)
    assert ended.code == 0, ended.stderr
    found = json.loads((outputs / "models" / run / "evaluation-digits.json").read_text())
    assert found["metrics"]["accuracy"] == report["forms"][-1]["value"]
    assert (found["split"], found["examples"]) == (report["split"], report["examples"]) == ("test", 359)


def test_a_pruned_checkpoint_can_be_quantized_and_onnxruntime_takes_the_file(
    digits: tuple[Path, str], pruned: tuple[dict[str, Any], Ended], tmp_path: Path
) -> None:
    clone = with_chapter(tmp_path / "root", MLP)
    options = ("--outputs", str(digits[0]), "--to", str(tmp_path / "int8"))
    ended = clone.scratch("optimise", "3", "--checkpoint", pruned[0]["pruned_run"], "--quantize", "int8", *options)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    left = {path.name for path in (tmp_path / "int8").iterdir()}
    assert left == {"MODEL_CARD.md", "model.onnx", "model.int8.onnx", "optimisation.png", "report.json"}
    report = json.loads((tmp_path / "int8/report.json").read_text())
    checkpoint, plain, smaller = report["forms"]
    assert smaller["bytes"] < 0.5 * plain["bytes"]
    assert abs(smaller["value"] - checkpoint["value"]) < 0.02
    assert report["changed_answers"] < 0.03 * report["examples"]
    assert 0 < report["difference"] < 0.2
    sessions = [
        onnxruntime.InferenceSession(str(tmp_path / "int8" / name), providers=["CPUExecutionProvider"])
        for name in ("model.onnx", "model.int8.onnx")
    ]
    assert [[each.name for each in session.get_inputs()] for session in sessions] == [["x"], ["x"]]
    assert [[each.name for each in session.get_outputs()] for session in sessions] == [["probabilities"]] * 2
    card = (tmp_path / "int8/MODEL_CARD.md").read_text()
    assert "`model.int8.onnx`: 2 of 2 matrix products are in int8" in card


def test_three_numbers_are_pruned_and_without_a_test_split_validation_says_what_it_cost(place: Path) -> None:
    outputs = place / "blobs"
    run = trained(PERCEPTRON, "noisy-blobs", outputs)
    ended = optimise(PERCEPTRON, outputs, "--checkpoint", run, "--prune", "0.3", "--epochs", "1")
    assert ended.code == 0, ended.stderr
    assert "accuracy (validation)" in ended.stdout
    assert "1 of 3 parameters are zero" in ended.stdout
    runs = {path.name for path in (outputs / "models").iterdir()}
    refused = optimise(PERCEPTRON, outputs, "--checkpoint", run, "--prune", "0.9")
    assert refused.code == 2
    assert refused.stderr == "error: --prune 0.9 of 3 parameters is 3 of them: nothing sensible to prune\n"
    assert {path.name for path in (outputs / "models").iterdir()} == runs


def test_a_regression_is_measured_in_the_units_of_its_data_and_may_be_left_untrained(place: Path) -> None:
    outputs = place / "diabetes"
    run = trained(MLP, "diabetes", outputs)
    earlier = place / "report"
    earlier.mkdir()
    (earlier / "report.json").write_text("{}")
    (earlier / "of an earlier report.png").touch()
    asked = ("--checkpoint", run, "--prune", "0.5", "--epochs", "0", "--to", earlier, "--force")
    ended = optimise(MLP, outputs, *asked)
    assert ended.code == 0, ended.stderr
    assert {path.name for path in earlier.iterdir()} == {"report.json", "optimisation.png", "pruning_curve.png"}
    report = json.loads((place / "report/report.json").read_text())
    assert report["metric"] == "mse"
    assert all(form["value"] > 1000 for form in report["forms"])  # of 25 to 346, and not standardised
    assert [form["name"] for form in report["forms"]] == ["checkpoint", "pruned 0.5"]
    assert all(point["trained_on"] is None for point in report["points"])
    content = load_checkpoint(outputs / "models" / report["pruned_run"] / "model_last.pt")
    assert int((content["model"]["theta"] == 0).sum()) == report["pruned"]


@pytest.mark.parametrize(
    ("what", "to", "code", "says"),
    [
        (("--prune", "0.5"), "thesis", 2, "exists already; choose another folder, or replace it with --force"),
        (
            ("--quantize", "int8", "--force"),
            "thesis",
            2,
            "is no earlier report, and is not replaced; choose another folder",
        ),
        (("--quantize", "int8"), "thesis/notes.txt/report", 1, "choose another path"),
    ],
)
def test_a_place_that_is_taken_or_cannot_be_written_is_told_before_any_work(
    what: tuple[str, ...], to: str, code: int, says: str, digits: tuple[Path, str]
) -> None:
    outputs, run = digits
    notes = outputs / "thesis/notes.txt"
    notes.parent.mkdir(exist_ok=True)
    notes.touch()
    before = sorted(outputs.rglob("*"))
    ended = optimise(MLP, outputs, "--checkpoint", run, *what, "--to", outputs / to)
    assert (ended.code, ended.stdout) == (code, "")
    assert says in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert sorted(outputs.rglob("*")) == before


def test_a_pruning_that_is_stopped_leaves_nothing_and_advises_nothing(digits: tuple[Path, str], tmp_path: Path) -> None:
    outputs, run = digits
    before = sorted(outputs.rglob("*"))
    asked = ("--checkpoint", run, "--prune", "0.6", "--epochs", "5000", "--outputs", outputs)
    process = start(*COMMAND, "optimise", MLP, *asked, env={"TMPDIR": str(tmp_path), **READY})
    while process.poll() is None and not any(path.stat().st_size for path in tmp_path.glob("*/logs/*/metrics.jsonl")):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.code == 130
    assert ended.stderr == "error: stopped by SIGINT, before there was a report or a pruned run\n"
    assert (sorted(outputs.rglob("*")), list(tmp_path.iterdir())) == (before, [])


def test_no_checkpoint_is_one_line(place: Path) -> None:
    ended = optimise(MLP, place / "nothing", "--checkpoint", "latest", "--prune", "0.5")
    assert ended.code == 2
    assert ended.stderr.startswith("error: 03_mlp has no trained model in ")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "give one of --prune SHARE and --quantize int8"),
        (("--prune", "0.5", "--quantize", "int8"), "give one of --prune SHARE and --quantize int8"),
        (("--prune", "1"), "--prune 1: give the share of the weights to set to zero, from 0 to less than 1"),
        (("--prune", "-0.1"), "--prune -0.1: give the share"),
        (("--prune", "nan"), "--prune nan: give the share"),
        (("--quantize", "int8", "--epochs", "3"), "--epochs is for --prune: --quantize does not train"),
        (("--quantize", "int4"), "'int4' is not 'int8'"),
        (("--prune", "0.5"), "01_toy cannot be asked: it has no src/serving.py"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, tuple) else "",
)
def test_what_cannot_be_done_is_one_line(
    arguments: tuple[str, ...], says: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clone = ToyClone(tmp_path_factory.mktemp("clone") / "root")
    clone.add_chapter("01_toy")
    refused = clone.scratch("optimise", "1", "--checkpoint", "latest", *arguments)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert refused.stderr.startswith("error: ")
    assert refused.stderr.count("\n") == 1
