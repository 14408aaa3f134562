"""What a run was made with is true also of a run that was resumed on another machine."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from engine.runs.provenance import note_environment, read_environment, resumes
from utils.errors import InputError

BEGAN: dict[str, Any] = {
    "command": ["python", "src/train.py"],
    "python": "3.11.7",
    "platform": "Linux",
    "packages": {"torch": "2.13.0", "numpy": "2.4.6"},
    "hardware": {"device": "cpu", "gpu": None, "cpu": "x86_64", "cores": 4, "threads": 4},
    "processes": 1,
    "seeds_together": (),
    "environment": {},
    "git": {"commit": "abc", "diff": "", "untracked": []},
}
ELSEWHERE = BEGAN | {"hardware": BEGAN["hardware"] | {"device": "cuda", "gpu": "a GPU", "threads": 2}, "processes": 2}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    note_environment(tmp_path / "environment.json", BEGAN, step=0)
    return tmp_path / "environment.json"


def test_a_run_that_goes_on_as_it_began_keeps_its_file(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = path.read_bytes()
    note_environment(path, BEGAN | {"command": ["python", "src/train.py", "--resume", "latest"]}, step=7)
    assert (path.read_bytes(), caplog.text) == (before, "")
    assert resumes(read_environment(path)) == []


def test_what_is_otherwise_after_a_resume_is_noted_and_told_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for step in (7, 9):
        note_environment(path, ELSEWHERE, step)
    difference = (
        "from step 7 on, gpu was absent, is a GPU; device was cpu, is cuda; threads was 4, is 2; processes was 1, is 2"
    )
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [difference]
    noted = read_environment(path)
    assert [each["step"] for each in noted["resumed"]] == [7]
    assert noted["resumed"][0]["hardware"]["threads"] == 2
    assert noted["hardware"]["threads"] == 4  # the steps before are not rewritten
    assert resumes(noted) == [difference]


def test_every_way_back_is_noted_as_well(path: Path) -> None:
    for step, now in ((7, ELSEWHERE), (9, BEGAN)):
        note_environment(path, now, step)
    first, second = resumes(read_environment(path))
    assert "threads was 4, is 2" in first
    assert second.startswith("from step 9 on, gpu was a GPU, is absent; device was cuda, is cpu; threads was 2, is 4")


def test_seeds_that_trained_together_go_on_otherwise_alone(path: Path) -> None:
    note_environment(path, BEGAN | {"seeds_together": (3, 4)}, step=0)
    note_environment(path, BEGAN, step=5)
    assert resumes(read_environment(path)) == ["from step 5 on, seeds_together was [3, 4], is absent"]


def test_many_new_versions_are_one_line(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    note_environment(path, BEGAN | {"packages": {f"package{number}": "1" for number in range(30)}}, step=2)
    assert caplog.text.count("package") == 3  # numpy is gone too
    assert "; and 28 more: last digits may be others than without a break" in caplog.text
    assert len(read_environment(path)["resumed"][0]["packages"]) == 30


def test_a_run_that_starts_over_was_made_where_it_did(path: Path) -> None:
    note_environment(path, ELSEWHERE, step=0)
    assert read_environment(path)["hardware"]["device"] == "cuda"


@pytest.mark.parametrize("content", ["", "[]", "{}"])
def test_a_damaged_file_is_told_and_is_no_obstacle(content: str, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text(content, encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        note_environment(path, BEGAN, step=3)
    assert "with what the run began is not known: " in caplog.text
    assert path.read_text(encoding="utf-8") == content
    with pytest.raises(InputError):
        read_environment(path)


def test_what_is_read_back_is_all_that_was_written(path: Path) -> None:
    assert json.loads(json.dumps(BEGAN)) | {"resumed": []} == read_environment(path)
