"""What every chapter promises of its tests: graders that catch mistakes, tests that notice a lost idea, parity."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.grading.parity import DOCUMENT, changes, measure
from project.chapters import ROOT, Chapter, Project
from utils.terminal.environment import environment
from utils.terminal.processes import ONE_THREAD, Children

pytestmark = pytest.mark.timeout(1200)  # minutes on a busy machine
LIMIT = "600"  # seconds for a copy; a loop that never ends should not stop the suite

chapters = pytest.mark.parametrize("chapter", Project().chapters(), ids=lambda chapter: chapter.name)


def ran(tool: str, chapter: Chapter) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"cli.grading.{tool}", str(chapter.folder), LIMIT]
    env = environment() | ONE_THREAD
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "chapter",
    [chapter for chapter in Project().chapters() if "exercises" not in chapter.left_out()],
    ids=lambda chapter: chapter.name,
)
def test_blank_copies_fail_the_solution_passes_and_wrong_solutions_are_caught(chapter: Chapter) -> None:
    proved = ran("prove", chapter)
    assert proved.returncode == 0, proved.stdout + proved.stderr


@chapters
def test_every_idea_mutant_is_noticed(chapter: Chapter) -> None:
    mutated = ran("mutants", chapter)
    assert mutated.returncode == 0, mutated.stdout + mutated.stderr


def test_the_parity_table_has_the_rows_that_the_tests_compare() -> None:
    with Children() as children:
        rows = [row for c in Project().chapters() for row in measure(c.folder, Path(sys.executable), ROOT, children)]
    assert {row.chapter for row in rows} == {chapter.name for chapter in Project().chapters()}
    assert changes((ROOT / DOCUMENT).read_text("utf-8"), rows) == []
