"""How a run is found by its name."""

import os
from pathlib import Path

import pytest

from utils.errors import InputError
from utils.runs import find_run, run_folders


def make(outputs: Path, *names: str) -> None:
    for name in names:
        (outputs / "models" / name).mkdir(parents=True)
        (outputs / "models" / name / "config.yaml").touch()


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    make(tmp_path / "a", "or-0-20260102T000000Z-aaaa", "xor-1-20260101T000000Z-bbbb", "backup")
    (tmp_path / "a/models/or-0-20260109T000000Z-cccc").mkdir()  # killed before it had a config
    return tmp_path / "a"


def test_runs_come_oldest_first_by_the_time_in_their_names(outputs: Path) -> None:
    assert [folder.name[:5] for folder in run_folders([outputs])] == ["backu", "xor-1", "or-0-"]


def test_of_one_second_the_one_whose_config_was_written_last_is_the_newest(outputs: Path) -> None:
    make(outputs, "or-0-20260103T000000Z-bbbb", "or-0-20260103T000000Z-aaaa")
    for name, time in (("b", 1), ("a", 2)):
        os.utime(outputs / f"models/or-0-20260103T000000Z-{4 * name}/config.yaml", (time, time))
    assert run_folders([outputs])[-1].name.endswith("aaaa")


def test_latest_is_the_newest_of_several_places(outputs: Path, tmp_path: Path) -> None:
    make(tmp_path / "b", "and-0-20260101T120000Z-dddd")
    places = [outputs, tmp_path / "b", tmp_path / "nothing"]
    assert find_run("latest", places, "here") == outputs / "models/or-0-20260102T000000Z-aaaa"
    assert find_run("latest", places[1:], "here") == tmp_path / "b/models/and-0-20260101T120000Z-dddd"
    assert find_run("backup", places, "here") == outputs / "models/backup"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("or-0-20260102T000000Z-aaa", "in here, did you mean 'or-0-20260102T000000Z-aaaa'?"),
        ("or-0-20260102T000110Z-1f92", "in here; the newest is or-0-20260102T000000Z-aaaa"),
        ("nope", "in here; the newest is or-0-20260102T000000Z-aaaa"),
    ],
)
def test_a_run_that_there_is_not_is_answered_with_one_that_there_is(outputs: Path, name: str, part: str) -> None:
    with pytest.raises(InputError) as caught:
        find_run(name, [outputs], "here")
    assert str(caught.value) == f"there is no run '{name}' {part}"


def test_where_there_is_no_run_none_is_the_latest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^there is no run 'latest' in here$"):
        find_run("latest", [tmp_path], "here")
