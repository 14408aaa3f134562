"""`scratch ui`: which page it opens in which environment, and what it says where there is nothing to show."""

from pathlib import Path

import pytest

from tests.doubles.toy_clone import ToyClone

PAGE = "import sys\nprint('page', *sys.argv[1:])\n"


@pytest.fixture
def clone(tmp_path: Path) -> ToyClone:
    """A chapter that can be asked, and a page that prints what it is given."""
    clone = ToyClone(tmp_path)
    clone.add_chapter("01_toy", {"serving.py": ""})
    clone.write("deployment/__init__.py", "")
    clone.write("deployment/interface/__init__.py", "")
    clone.write("deployment/interface/__main__.py", PAGE)
    return clone


def trained(clone: ToyClone) -> None:
    clone.write("models/01_toy/outputs/models/xor-0/config.yaml", "")


def test_the_newest_model_of_a_chapter_is_shown(clone: ToyClone) -> None:
    trained(clone)
    ran = clone.scratch("ui", "1", "--port", "8000")
    folder = clone.root / "models/01_toy"
    assert ran.stdout == f"page {folder} --host 127.0.0.1 --port 8000\n", ran.stderr


def test_without_a_chapter_the_runs_are_shown(clone: ToyClone, tmp_path: Path) -> None:
    ran = clone.scratch("ui", "--outputs", "elsewhere", cwd=tmp_path)
    expected = f"--host 127.0.0.1 --port 7860 --outputs {tmp_path / 'elsewhere'}"
    assert ran.stdout == f"page {expected}\n", ran.stderr


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
