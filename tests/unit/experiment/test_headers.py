"""The line of an experiment's file with its command and its time."""

from pathlib import Path

import pytest

from experiment.reproduce.headers import duration, headers, with_header
from project.chapters import Chapter
from tests.doubles.bench import NETWORK
from tests.doubles.toy_clone import ToyClone


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.2, "1 s"), (4.4, "4 s"), (8.4, "10 s"), (57.0, "55 s"), (59.0, "1 min"), (150.1, "3 min")]
)
def test_a_time_is_coarse(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_the_line_is_written_once_and_replaced_below_hydras_own() -> None:
    chapter = Chapter(NETWORK)
    plain = (NETWORK / "config/experiment/blobs.yaml").read_text()
    once = with_header(plain, chapter, "blobs", {"run_seconds": 4.4})
    assert once.splitlines()[:2] == [
        "# @package _global_",
        "# ./scratch train 90 --experiment blobs     about 4 s on one core",
    ]
    assert with_header(once, chapter, "blobs", {"run_seconds": 90}).count("./scratch") == 1
    assert sorted(once.splitlines()[2:]) == sorted(plain.splitlines()[1:])


def test_only_experiments_with_results_have_the_line_and_it_changes_no_config(tmp_path: Path) -> None:
    clone = ToyClone(tmp_path / "root")
    folder = clone.add_chapter("01_toy")
    assert headers(clone.project, {}) == {}
    ((path, text),) = headers(clone.project, {"01_toy": {"xor": {"run_seconds": 1.0}}}).items()
    assert path == folder / "config/experiment/xor.yaml"
    before = clone.project.chapters()[0].experiments()
    path.write_text(text)
    assert clone.project.chapters()[0].experiments() == before
