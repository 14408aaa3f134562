"""A run that a command names, found under the outputs of the chapters."""

from pathlib import Path

import pytest

from project.chapters import Project
from project.runs import find_made_run

RUN = "and-0-20261128T004039Z-3f86"


@pytest.mark.parametrize("name", [RUN, "latest"])
def test_a_run_is_found_with_its_chapter(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "models/01_perceptron/outputs/models" / RUN
    folder.mkdir(parents=True)
    (folder / "config.yaml").touch()
    chapter, found = find_made_run(Project(tmp_path), name, None)
    assert (chapter.name, found) == ("01_perceptron", folder)
