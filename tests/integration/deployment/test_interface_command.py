"""`scratch ui`: which page it opens in which environment, and what it says where there is nothing to show."""

from pathlib import Path

import pytest

from tests.doubles.toy_clone import ToyClone

SERVER = """
def serve(page, name, host, port):
    print(*page, name, host, port)
    return 0
"""
PAGES = {
    "pages/runs.py": "def runs_page(project, outputs):\n    return ['runs', outputs]\n",
    "pages/chapter.py": "def chapter_page(chapter, predictor):\n    return [chapter.folder, predictor]\n",
    "server.py": SERVER,
}
LOADS = """
class Predictor:
    @classmethod
    def from_checkpoint(cls, folder, reference, outputs):
        return reference
"""


@pytest.fixture
def clone(tmp_path: Path) -> ToyClone:
    """A chapter that can be asked, and pages that print what they are given."""
    clone = ToyClone(tmp_path)
    clone.add_chapter("01_toy", {"serving.py": ""})
    for name, source in PAGES.items():
        clone.write(f"deployment/interface/{name}", source)
    clone.write("inference/__init__.py", LOADS)
    return clone


def trained(clone: ToyClone) -> None:
    clone.write("models/01_toy/outputs/models/xor-0/config.yaml", "")


def test_the_newest_model_of_a_chapter_is_shown(clone: ToyClone) -> None:
    trained(clone)
    ran = clone.scratch("ui", "1", "--port", "8000")
    folder = clone.root / "models/01_toy"
    assert ran.stdout == f"{folder} latest 01_toy 127.0.0.1 8000\n", ran.stderr


def test_without_a_chapter_the_runs_are_shown(clone: ToyClone, tmp_path: Path) -> None:
    ran = clone.scratch("ui", "--outputs", "elsewhere", cwd=tmp_path)
    assert ran.stdout == f"runs {tmp_path / 'elsewhere'} runs 127.0.0.1 7860\n", ran.stderr


def test_a_checkpoint_without_its_chapter_is_refused(clone: ToyClone) -> None:
    ran = clone.scratch("ui", "--checkpoint", "xor-0")
    assert ran.returncode == 2
    assert ran.stderr == "error: --checkpoint needs the chapter whose model it is: scratch ui NN --checkpoint xor-0\n"


def test_a_run_of_another_chapter_is_said_to_be_of_that_one(clone: ToyClone) -> None:
    trained(clone)
    clone.add_chapter("02_other", {"serving.py": ""})
    ran = clone.scratch("ui", "2", "--checkpoint", "xor-0")
    assert ran.returncode == 2
    assert ran.stderr == "error: 02_other has no run 'xor-0': it is one of 01_toy\n"


def test_a_chapter_without_a_model_is_told_how_to_get_one(clone: ToyClone) -> None:
    ran = clone.scratch("ui", "1")
    assert ran.returncode == 2
    train = "./scratch train 01_toy --experiment NAME, where NAME is one of: xor"
    assert ran.stderr == f"error: 01_toy has no trained model yet; make one: {train}\n"


def test_a_chapter_that_cannot_be_asked_has_no_page(clone: ToyClone) -> None:
    clone.add_chapter("02_mute")
    ran = clone.scratch("ui", "2")
    assert ran.returncode == 2
    assert ran.stderr == "error: 02_mute cannot be asked: it has no src/serving.py, which says what its answers mean\n"


def test_a_clone_without_chapters_has_no_runs(tmp_path: Path) -> None:
    ran = ToyClone(tmp_path).scratch("ui")
    assert (ran.returncode, ran.stderr) == (2, "error: there is no chapter yet, and so there are no runs\n")
