"""Models that are asked raw examples say what their evaluation says of prepared ones, exported or not."""

import json
from pathlib import Path

import numpy as np
import pytest

from project.chapters import Project
from tests.doubles.scripts import call

# For each chapter an experiment of every kind of data and every kind of preparation.
EXPERIMENTS = {
    "00_autograd": ["xor", "digits"],
    "01_perceptron": ["and", "iris-hard,data.standardize=true"],
    "02_adaline": ["line", "iris-hard", "breast-cancer"],
    "03_mlp": ["xor", "sine", "diabetes", "digits,data.permute_pixels=3,data.standardize=true"],
    "04_hopfield": ["recall,model.flipped=0", "digits,model.flipped=0", "modern,model.flipped=0,data.n=50"],
}


def test_every_chapter_that_can_be_asked_is_listed() -> None:
    chapters = {chapter.name for chapter in Project().chapters() if (chapter.folder / "src/serving.py").is_file()}
    assert chapters == EXPERIMENTS.keys()


@pytest.mark.usefixtures("dataset_mirror")
@pytest.mark.parametrize("chapter", EXPERIMENTS)
def test_a_model_asked_raw_examples_agrees_with_its_evaluation(chapter: str, tmp_path: Path) -> None:
    folder = Project().chapter(chapter).folder
    ended = call("-m", "tests.doubles.asked", folder, tmp_path, *EXPERIMENTS[chapter])
    assert ended.code == 0, ended.stderr
    found = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert len(found) == len(EXPERIMENTS[chapter])
    for each in found:
        if isinstance(each["asked"][0], str):
            assert each["asked"] == each["evaluated"]
        else:
            np.testing.assert_allclose(each["asked"], each["evaluated"], rtol=1e-5)
        assert each["exported"] <= 1e-4
