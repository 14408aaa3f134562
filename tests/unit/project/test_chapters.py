"""Chapters are found by name and describe themselves without being run."""

from pathlib import Path

import pytest

from project.chapters import Project
from tests.doubles.toy_clone import CONSTANTS
from utils.errors import InputError


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name in ("01_perceptron", "02_adaline", "10_deep_net", "notes", "__pycache__"):
        (tmp_path / "models" / name / "src").mkdir(parents=True)
    return Project(tmp_path)


def experiment(project: Project, text: str) -> Path:
    folder = project.chapter("1").folder / "config/experiment"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "xor.yaml"
    path.write_text(text)
    return path


def test_chapters_are_the_numbered_folders_in_order(project: Project) -> None:
    assert [chapter.name for chapter in project.chapters()] == ["01_perceptron", "02_adaline", "10_deep_net"]


@pytest.mark.parametrize("name", ["1", "01", "perceptron", "01_perceptron", "Perceptron", "models/01_perceptron/"])
def test_a_chapter_is_found_by_number_name_or_both(project: Project, name: str) -> None:
    assert project.chapter(name).name == "01_perceptron"


def test_an_unknown_chapter_is_answered_with_the_closest(project: Project) -> None:
    with pytest.raises(InputError, match="unknown chapter 'percepton', did you mean '01_perceptron'"):
        project.chapter("percepton")


def test_an_unknown_number_is_answered_with_those_there_are(project: Project) -> None:
    with pytest.raises(InputError, match="unknown chapter '7'; known: 01_perceptron, 02_adaline, 10_deep_net"):
        project.chapter("7")


def test_chapters_chosen_twice_come_once_and_in_order(project: Project) -> None:
    assert [chapter.name for chapter in project.choose(("2", "1", "adaline"))] == ["01_perceptron", "02_adaline"]


def test_a_folder_without_models_is_no_clone(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="models is missing"):
        Project(tmp_path).chapters()


def test_constants_are_read_without_running_the_file(project: Project) -> None:
    chapter = project.chapter("1")
    (chapter.folder / "src/constants.py").write_text(CONSTANTS + "raise SystemExit('was run')\n")
    constants = chapter.constants()
    assert constants["TITLE"] == "Toy"
    assert constants["YEAR"] == 1958
    assert constants["AUTHORS"] == ("A. One", "B. Two")
    assert "LATER" not in constants


@pytest.mark.parametrize("text", [None, "TITLE = "])
def test_constants_that_cannot_be_read_are_an_error_of_one_line(project: Project, text: str | None) -> None:
    chapter = project.chapter("1")
    if text is not None:
        (chapter.folder / "src/constants.py").write_text(text)
    with pytest.raises(InputError, match=r"constants\.py: ") as caught:
        chapter.constants()
    assert "\n" not in str(caught.value)


def test_experiments_carry_their_goal(project: Project) -> None:
    experiment(project, "# @package _global_\ngoal: No line can do it.\n")
    assert [(e.name, e.goal) for e in project.chapter("1").experiments()] == [("xor", "No line can do it.")]


@pytest.mark.parametrize(
    ("text", "message"), [("goal: [", "is not YAML"), ("seed: 1", "has no goal"), ("- 1", "has no goal")]
)
def test_an_experiment_that_cannot_be_read_is_an_error_of_one_line(project: Project, text: str, message: str) -> None:
    experiment(project, text)
    with pytest.raises(InputError, match=message) as caught:
        project.chapter("1").experiments()
    assert "\n" not in str(caught.value)
