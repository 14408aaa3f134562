"""`scratch predict`: a run's model asked from the command line."""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from cli import predictions
from cli.commands.deploy.predict import command
from engine.checkpoint.file import load_checkpoint, save_checkpoint
from project.chapters import Project
from tests.doubles.bench import NETWORK
from tests.doubles.scripts import READY, call
from tests.doubles.toy_clone import REPOSITORY, ToyClone

ROWS = "0.5,1,-2\n-1,0.25,3\n4,4,4\n"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToyClone]:
    """A clone with a trained chapter; what this process imports of the chapter is gone at the end."""
    clone = ToyClone(tmp_path_factory.mktemp("predict") / "clone")
    for package in ("config", "data_utils", "engine", "inference", "plotting"):
        (clone.root / package).symlink_to(REPOSITORY / package)
    folder = clone.root / "models/90_logistic"
    shutil.copytree(NETWORK, folder, ignore=shutil.ignore_patterns("__pycache__", "outputs"))
    clone.write("models/90_logistic/requirements.txt", "")
    clone.fill(clone.project.venv(clone.project.chapter("90")))
    trained = clone.scratch("train", "90", "--experiment", "blobs", "--no-wandb")
    assert trained.returncode == 0, trained.stderr
    (clone.root / "rows.csv").write_text(ROWS)
    yield clone
    for name in ("serving", "config", "model"):
        sys.modules.pop(name, None)
    sys.path[:] = [path for path in sys.path if path != str(folder / "src")]


def ask(clone: ToyClone, *arguments: str, form: str = "json", device: str = "cpu", **options: Any) -> Result:
    """`scratch predict 90 --checkpoint latest --input rows.csv ARGUMENTS`, in this process."""
    given = {"--checkpoint": "latest", "--input": str(clone.root / "rows.csv"), **options}
    words = [word for pair in given.items() for word in pair]
    fixed = ["--device", device, "--output", form]
    return CliRunner(env=READY).invoke(command, ["90", *words, *fixed, *arguments], obj=Project(clone.root))


def answers(result: Result) -> list[dict[str, Any]]:
    assert result.exception is None, result.exception
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def test_a_table_is_printed_for_people(clone: ToyClone) -> None:
    told = clone.scratch("predict", "90", "--checkpoint", "latest", "--input", "rows.csv")
    assert (told.returncode, told.stderr) == (0, "")
    head, _, *rows = told.stdout.splitlines()
    assert head.split()[:3] == ["example", "label", "probability"]
    assert [row.split()[0] for row in rows] == ["1", "2", "3"]
    for row, answer in zip(rows, answers(ask(clone)), strict=True):
        named = [f"{each['label']} {each['probability']:.4g}" for each in answer["candidates"]]
        assert row.endswith(", ".join(named))


def test_examples_come_through_stdin(clone: ToyClone) -> None:
    command = [sys.executable, str(clone.root / "scratch"), "predict", "90", "--checkpoint", "latest", "--input", "-"]
    told = subprocess.run([*command, "--output", "json"], input=ROWS, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout) == answers(ask(clone))


def test_the_documented_lines_answer(clone: ToyClone) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (REPOSITORY / "docs/inference.md").read_text(), re.DOTALL)
    snippet = snippet.replace("01_perceptron", "90_logistic").replace("[[0, 1], [1, 1]]", "[[0.5, 1, -2]]")
    told = call("-c", snippet, cwd=clone.root, env={"PYTHONPATH": str(clone.root)})
    assert told.code == 0, told.stderr
    assert json.loads(told.stdout)["probability"] == pytest.approx(answers(ask(clone))[0]["probability"])


def test_every_form_says_the_same(clone: ToyClone) -> None:
    found = answers(ask(clone))
    assert [answer.keys() for answer in found] == [{"label", "probability", "candidates"}] * 3
    rows = list(csv.DictReader(ask(clone, form="csv").stdout.splitlines()))
    assert [row["label"] for row in rows] == [answer["label"] for answer in found]
    assert [float(row["candidates.2.probability"]) for row in rows] == [
        answer["candidates"][1]["probability"] for answer in found
    ]


@pytest.mark.parametrize("arguments", [("--batch-size", "1"), ("--batch-size", "2")])
def test_the_batch_size_changes_no_answer(clone: ToyClone, arguments: tuple[str, ...]) -> None:
    for one, other in zip(answers(ask(clone, *arguments)), answers(ask(clone)), strict=True):
        assert one["label"] == other["label"]
        assert one["probability"] == pytest.approx(other["probability"], rel=1e-5)


@pytest.mark.parametrize("form", ["json", "csv"])
def test_many_answers_are_written_as_few_are(clone: ToyClone, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = ask(clone, form=form).stdout
    monkeypatch.setattr(predictions, "_PAGE", 2)
    assert ask(clone, form=form).stdout == at_once


def test_a_long_table_comes_in_parts_that_count_on(clone: ToyClone, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ask(clone, form="table").stdout.splitlines()[2:]
    monkeypatch.setattr(predictions, "_PAGE", 2)
    head, _, *parts = ask(clone, form="table").stdout.splitlines()
    assert parts[2].split() == head.split()
    assert [part.split() for part in (*parts[:2], *parts[4:])] == [row.split() for row in rows]


def test_long_work_says_how_far_it_is(clone: ToyClone, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(clone).stderr == ""
    monkeypatch.setattr(predictions, "_SILENT_SECONDS", -1.0)
    assert ask(clone).stderr.splitlines()[-1] == "3 examples answered"


def test_options_change_what_is_named(clone: ToyClone) -> None:
    assert [len(answer["candidates"]) for answer in answers(ask(clone, "--top", "1"))] == [1, 1, 1]
    assert [answer["label"] for answer in answers(ask(clone, "--threshold", "1.1"))] == [None, None, None]
    assert "candidates.1.label" in ask(clone, "--threshold", "1.1", form="csv").stdout
    assert len(answers(ask(clone, device="auto"))) == 3


def test_outputs_may_be_elsewhere(clone: ToyClone, tmp_path: Path) -> None:
    shutil.copytree(clone.root / "models/90_logistic/outputs", tmp_path / "elsewhere")
    assert answers(ask(clone, "--outputs", str(tmp_path / "elsewhere"))) == answers(ask(clone))
    assert "no trained model in" in str(ask(clone, "--outputs", str(tmp_path / "nowhere")).exception)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"--input": "1,2"}, "example 1: 2 numbers given, a row of 3 numbers expected"),
        ({"--input": "1,2,nan"}, "example 1: a number is not finite"),
        ({"--input": "gone.csv"}, "cannot read gone.csv: No such file or directory"),
        ({"--checkpoint": "nothing"}, "there is no checkpoint 'nothing'"),
        ({"--threshold": "nan"}, "the options: threshold: input should be a finite number"),
        ({"device": "abacus"}, "unknown device 'abacus'"),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_what_cannot_be_answered_is_told(clone: ToyClone, options: dict[str, str], said: str) -> None:
    assert said in str(ask(clone, **options).exception)


def test_a_checkpoint_of_before_says_that_it_does_not_know_its_data(clone: ToyClone, tmp_path: Path) -> None:
    (last,) = (clone.root / "models/90_logistic/outputs/models").glob("*/model_last.pt")
    content = load_checkpoint(last)
    del content["data"]
    save_checkpoint(tmp_path / "old.pt", content)
    old = ask(clone, **{"--checkpoint": str(tmp_path / "old.pt")})
    assert "old.pt does not say what its data was, as those of older versions; train again" in str(old.exception)


def one_line(clone: ToyClone, *arguments: str) -> str:
    told = clone.scratch("predict", *arguments, "--checkpoint", "latest", "--input", "1,2,x")
    assert (told.returncode, told.stdout) == (2, "")
    (line,) = told.stderr.splitlines()
    return line


def test_an_error_is_one_line_and_the_exit_code_of_bad_input(clone: ToyClone) -> None:
    assert "line 1: 'x' is not a number" in one_line(clone, "90")
    assert "unknown chapter '7'" in one_line(clone, "7")


def test_a_batch_larger_than_any_memory_is_refused(clone: ToyClone) -> None:
    assert "9223372036854775808 is not in the range" in one_line(clone, "90", "--batch-size", str(2**63))


def test_a_chapter_without_a_model_is_told_before_anything_is_installed(clone: ToyClone) -> None:
    clone.add_chapter("92_untrained", {"serving.py": ""})
    shutil.rmtree(clone.root / "models/92_untrained/.venv")
    assert "92_untrained has no trained model yet; make one: ./scratch train 92_untrained" in one_line(clone, "92")
    assert "has no trained model in " in one_line(clone, "92", "--outputs", "elsewhere")
    assert not (clone.root / "models/92_untrained/.venv").exists()


def test_a_chapter_that_says_nothing_cannot_be_asked(clone: ToyClone) -> None:
    clone.add_chapter("91_silent")
    assert "91_silent cannot be asked: it has no src/serving.py" in one_line(clone, "91")


def test_a_learners_copy_is_asked_like_its_chapter(clone: ToyClone) -> None:
    copy = clone.root / "workspace/90_logistic"
    shutil.copytree(clone.root / "models/90_logistic", copy, ignore=shutil.ignore_patterns(".venv", "__pycache__"))
    told = clone.scratch("predict", "workspace/90", "--checkpoint", "latest", "--input", "rows.csv")
    assert told.returncode == 0, told.stderr
    model = copy / "src/model.py"
    model.write_text(
        model.read_text().replace("self.layers = nn", 'raise NotImplementedError("layers"); self.layers = nn')
    )
    told = clone.scratch("predict", "workspace/90", "--checkpoint", "latest", "--input", "rows.csv")
    assert told.returncode == 1
    assert told.stderr.startswith("error: not written yet: layers")


def test_weights_of_another_shape_are_refused(clone: ToyClone, tmp_path: Path) -> None:
    (last,) = (clone.root / "models/90_logistic/outputs/models").glob("*/model_last.pt")
    content = load_checkpoint(last)
    content["model"]["layers.0.weight"] = torch.zeros(9, 9)
    save_checkpoint(tmp_path / "other.pt", content)
    assert "layers.0.weight" in str(ask(clone, **{"--checkpoint": str(tmp_path / "other.pt")}).exception)
