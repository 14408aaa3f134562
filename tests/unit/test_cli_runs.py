"""A run that a command names, found under the outputs of the chapters."""

from pathlib import Path

import pytest

from cli.chapters import Project
from cli.runs import find_run
from utils.errors import InputError

RUN = "and-0-20261128T004039Z-3f86"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "models/01_perceptron/outputs/models" / RUN
    folder.mkdir(parents=True)
    (folder / "config.yaml").touch()
    return Project(tmp_path)


def test_a_run_is_found_with_its_chapter(project: Project) -> None:
    chapter, folder = find_run(project, RUN, None)
    assert (chapter.name, folder) == ("01_perceptron", chapter.folder / "outputs/models" / RUN)


def test_a_run_is_suggested_where_its_name_was_mistyped(project: Project) -> None:
    with pytest.raises(InputError, match=f"there is no run '{RUN[:-1]}' in .*, did you mean {RUN}"):
        find_run(project, RUN[:-1], None)


def test_another_run_of_the_same_day_is_not_suggested(project: Project) -> None:
    with pytest.raises(InputError, match=r"there is no run 'digits-0-20261128T004105Z-1f92' in [^?]*$"):
        find_run(project, "digits-0-20261128T004105Z-1f92", None)
