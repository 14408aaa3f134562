"""What every chapter owes its readers: scripts that run and repeat, mistakes told in a line, a notebook."""

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import yaml

from engine.checkpoint.compare import differences, run_digests
from engine.runs.run import Folders, run_ids
from project.chapters import Chapter, Project
from tests.doubles.scripts import Ended, call
from tests.support.experiments import experiment_plots
from tests.support.notebooks import execute

CHAPTERS = {chapter.name: chapter for chapter in Project().chapters()}
ARTICLES = {"README.md", "docs/deep_dive.md", "docs/analysis.md", "requirements.txt", "tests/idea_mutants.yaml"}
OPTIONAL = {"notebook": "notebooks/analysis.ipynb", "exercises": "exercises.yaml"}


@pytest.fixture(params=CHAPTERS)
def chapter(request: pytest.FixtureRequest) -> Chapter:
    return CHAPTERS[request.param]


@dataclass(frozen=True)
class Trained:
    """A short run of a chapter's lightest experiment."""

    experiment: str
    outputs: Path
    ended: Ended


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """For each chapter that was asked for, its run; made once."""
    return {}


def run_of(chapter: Chapter, trained: dict[str, Trained], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    if chapter.name not in trained:
        experiment = next(iter(experiment_plots(chapter.folder)))
        outputs = tmp_path_factory.mktemp(chapter.name) / "outputs"
        trained[chapter.name] = Trained(experiment, outputs, train(chapter, experiment, outputs, "--visualize"))
    return trained[chapter.name]


def train(chapter: Chapter, experiment: str, outputs: Path, *more: str) -> Ended:
    """Train for two epochs, in a process of its own."""
    script = (chapter.folder / "src/train.py", "--experiment", experiment, "--seed", 7, "--no-wandb")
    return call(*script, "--outputs", outputs, "trainer.duration=2 epochs", *more)


def test_a_chapter_is_whole(chapter: Chapter) -> None:
    wanted = ARTICLES | {OPTIONAL[part] for part in OPTIONAL.keys() - set(chapter.left_out())}
    assert {article for article in wanted if not (chapter.folder / article).is_file()} == set()
    assert set(chapter.left_out()) <= OPTIONAL.keys()
    assert (chapter.folder / "requirements.txt").read_text().splitlines()[-1] == "-e ../.."
    assert {"TITLE", "PAPER", "AUTHORS", "YEAR", "URL", "MODULE"} <= chapter.constants().keys()


def test_every_experiment_has_a_goal_claims_and_plots(chapter: Chapter) -> None:
    experiments = {path.stem: yaml.safe_load(path.read_text()) for path in chapter.folder.glob("config/experiment/*")}
    assert set(experiment_plots(chapter.folder)) == set(experiments)
    for name, experiment in experiments.items():
        assert len(experiment["goal"]) > 20, name
        assert experiment["claims"], name
        assert all(len(claim["because"]) > 20 for claim in experiment["claims"]), name
        assert len(experiment["seeds"]) >= 5, name


def test_training_leaves_its_files_and_pictures(
    chapter: Chapter, trained: dict[str, Trained], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = run_of(chapter, trained, tmp_path_factory)
    assert run.ended.code == 0, run.ended.stderr
    (models,), (pictures,), (logs,) = (
        list((run.outputs / kind).iterdir()) for kind in ("models", "visualizations", "logs")
    )
    assert models.name == pictures.name == logs.name
    expected = {"model_last.pt", "config.yaml", "metrics.json", "environment.json"}
    assert expected <= {path.name for path in models.iterdir()}
    assert {path.stem for path in pictures.iterdir()} == set(experiment_plots(chapter.folder)[run.experiment])
    assert {"train.log", "metrics.jsonl"} <= {path.name for path in logs.iterdir()}


def test_the_same_seed_gives_the_same_bits_in_another_process(
    chapter: Chapter, trained: dict[str, Trained], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    run = run_of(chapter, trained, tmp_path_factory)
    again = train(chapter, run.experiment, tmp_path)
    assert (run.ended.code, again.code) == (0, 0), run.ended.stderr + again.stderr
    first, second = (run_digests(Folders.of(outputs, *run_ids(outputs))) for outputs in (run.outputs, tmp_path))
    assert "model in model_last.pt" in first
    assert differences(first, second) == []


def test_evaluating_finds_what_training_left(
    chapter: Chapter, trained: dict[str, Trained], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = run_of(chapter, trained, tmp_path_factory)
    evaluate = (chapter.folder / "src/evaluate.py", "--checkpoint", "latest", "--experiment", run.experiment)
    ended = call(*evaluate, "--outputs", run.outputs)
    assert ended.code == 0, ended.stderr
    assert re.search(r"\w +-?\d+\.\d", ended.stdout)


def test_on_a_device_every_phase_works_or_one_line_says_why_not(chapter: Chapter, tmp_path: Path) -> None:
    train = (
        chapter.folder / "src/train.py",
        "--experiment",
        next(iter(experiment_plots(chapter.folder))),
        "--outputs",
        tmp_path,
    )
    ended = call(Path(__file__).parents[2] / "doubles/pretended_gpu.py", *train, "--dry-run")
    cpu_only = ended.code == 2 and ended.stderr.splitlines()[-1].endswith("use hardware=cpu")
    assert ended.code == 0 or cpu_only, ended.stderr


def test_a_wrong_experiment_is_one_line_with_the_closest_name(chapter: Chapter, tmp_path: Path) -> None:
    name = next(iter(experiment_plots(chapter.folder)))
    ended = call(chapter.folder / "src/train.py", "--experiment", f"{name}x", "--outputs", tmp_path / "outputs")
    assert ended.code == 2
    assert f"did you mean '{name}'" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "outputs").exists()


def test_a_misspelled_setting_is_one_line_with_the_closest_name(chapter: Chapter, tmp_path: Path) -> None:
    name = next(iter(experiment_plots(chapter.folder)))
    train = (chapter.folder / "src/train.py", "--experiment", name, "--outputs", tmp_path / "outputs")
    ended = call(*train, "trainer.batchsize=1")
    assert ended.code == 2
    assert "did you mean 'trainer.batch_size'" in ended.stderr
    assert not (tmp_path / "outputs").exists()


@pytest.fixture
def notebook(chapter: Chapter) -> nbformat.NotebookNode:
    """The chapter's notebook; a chapter that says it has none is skipped."""
    if "notebook" in chapter.left_out():
        pytest.skip(f"{chapter.name} says in its constants.py that it has no notebook")
    return nbformat.read(chapter.folder / OPTIONAL["notebook"], as_version=4)


@pytest.mark.usefixtures("notebook")
def test_the_notebook_executes_and_only_reads(
    chapter: Chapter, trained: dict[str, Trained], tmp_path_factory: pytest.TempPathFactory
) -> None:
    run = run_of(chapter, trained, tmp_path_factory)
    missing = execute(chapter.folder, run.outputs).missing
    assert missing <= set(experiment_plots(chapter.folder)) - {run.experiment}


def test_the_notebook_is_clean_and_does_not_train(notebook: nbformat.NotebookNode) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    source = "\n".join(cell.source for cell in code)
    assert not re.search(r"Trainer|training_step|\.fit\(|\.learn\(|train\.py['\"]\s*,", source)
