"""What `scratch new` writes: constants that say what was asked for, and a chapter that is whole or not there."""

import ast
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.new import __main__ as tool
from cli.new.request import Request
from project.chapters import ROOT, Project
from project.roadmap import modules
from utils.errors import InputError, RunError

ROADMAP = "| Module | Chapters |\n|---|---|\n| 1 Neurons | **01 perceptron** |\n| 2 Pictures | 05 LeNet-5 |\n"


def request(chapter: str = "35_mine", paper: str = "On my network", **changes: str) -> Request:
    texts = {"authors": "", "url": "", **changes}
    return Request(chapter, "My network", 2026, paper, **texts, data="image", notebook=True, exercises=True)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "models/01_perceptron/src").mkdir(parents=True)
    (tmp_path / "models/01_perceptron/src/constants.py").write_text('MODULE = "Neurons"\n')
    (tmp_path / "ROADMAP.md").write_text(ROADMAP)
    (tmp_path / "template").symlink_to(ROOT / "template")
    return Project(tmp_path)


def make(project: Project) -> None:
    asked = request()
    tool.make.callback(project.root, asked.answers(asked.module(project, 2)))  # type: ignore[misc]


texts = st.text(
    st.characters(exclude_categories=("C", "Z"), exclude_characters="\\", include_characters=" "), min_size=1
)


@given(texts.map(str.strip).filter(bool), texts.map(str.strip))
def test_texts_of_any_length_and_with_any_quotes_are_constants(paper: str, authors: str) -> None:
    asked = request(paper=paper, authors=authors)
    written = ast.parse(asked.answers(modules(ROADMAP)[1])["constants"])
    values = {
        target.id: ast.literal_eval(statement.value)
        for statement in written.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    assert (values["PAPER"], values["AUTHORS"], values["YEAR"]) == (paper, authors, 2026)


@pytest.mark.parametrize(
    ("chapter", "wanted", "module"),
    [
        ("35_mine", None, "Pictures"),
        ("35_mine", 1, "Neurons"),
        ("05_lenet", None, "Pictures"),
        ("01_x", None, "Neurons"),
    ],
)
def test_a_chapter_belongs_to_the_module_that_plans_it_or_to_the_last(
    project: Project, chapter: str, wanted: int | None, module: str
) -> None:
    assert request(chapter).module(project, wanted).title == module


@pytest.mark.parametrize(
    "name", ["35-mine", "5_mine", "035_mine", "35_", "35_Mine", "35__mine", "35_mine_", "35_ü", "../35_a"]
)
def test_names_that_python_or_a_shell_would_trip_over_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot name a chapter"):
        request(name)


def test_a_chapter_is_in_its_module_by_its_folder_alone(project: Project) -> None:
    make(project)
    assert [chapter.name for chapter in project.modules()[2][1]] == ["35_mine"]
    assert (project.root / "ROADMAP.md").read_text() == ROADMAP


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["render"])
def test_whatever_goes_wrong_leaves_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, step: str, error: BaseException
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(tool, step, fail)
    with pytest.raises((RunError, click.Abort, KeyboardInterrupt)):
        make(project)
    assert [path.name for path in (project.root / "models").iterdir()] == ["01_perceptron"]
