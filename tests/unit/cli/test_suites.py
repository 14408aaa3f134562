"""Counting tests."""

from pathlib import Path

import pytest

from cli.suites import Suite
from tests.doubles.toy_clone import executable
from utils.terminal.processes import Children

REPORT = """<testsuites><testsuite>
<testcase name="a"/>
<testcase name="b"><failure message="no"/></testcase>
<testcase name="c"><error message="teardown"/></testcase>
<testcase name="d"><skipped message="no data"/></testcase>
<testcase name="e"/>
</testsuite></testsuites>"""


def run(tmp_path: Path, script: str, options: tuple[str, ...] = ()) -> Suite:
    """A suite whose Python is a shell script."""
    executable(tmp_path / "python", script)
    suite = Suite("toy", [tmp_path / "tests"], tmp_path / "python")
    with Children() as children:
        suite.run(children, tmp_path, options, tmp_path)
    return suite


def test_the_report_is_counted(tmp_path: Path) -> None:
    (tmp_path / "toy.xml").write_text(REPORT)
    suite = run(tmp_path, "exit 1")
    assert (suite.passed, suite.failed, suite.skipped) == (2, 2, ["d: no data"])


@pytest.mark.parametrize("code", [2, 3, 4, 5, 139])
def test_a_pytest_that_went_wrong_is_a_failure(tmp_path: Path, code: int) -> None:
    assert run(tmp_path, f"exit {code}").failed == 1


def test_a_selection_may_leave_a_suite_empty(tmp_path: Path) -> None:
    assert run(tmp_path, "exit 5", ("-k", "name")).failed == 0


def test_progress_is_the_last_count_printed(tmp_path: Path) -> None:
    suite = run(tmp_path, "echo '.....  [ 5/12]'; echo '.... [10/12]'")
    assert suite.progress() == "toy 10/12"


def test_progress_before_the_first_count_is_an_ellipsis(tmp_path: Path) -> None:
    assert Suite("toy", [tmp_path], tmp_path).progress() == "toy ..."


def test_parts_have_every_file_once(tmp_path: Path) -> None:
    for name in "abcde":
        (tmp_path / f"test_{name}.py").touch()
    parts = Suite("toy", [tmp_path], tmp_path).parts(3)
    assert [part.name for part in parts] == ["toy-1", "toy-2", "toy-3"]
    assert sorted(path.name for part in parts for path in part.paths) == [f"test_{name}.py" for name in "abcde"]


@pytest.mark.parametrize("files", [[], ["test_a.py"]])
def test_what_cannot_be_shared_out_stays_whole(tmp_path: Path, files: list[str]) -> None:
    for name in files:
        (tmp_path / name).touch()
    suite = Suite("toy", [tmp_path], tmp_path)
    assert suite.parts(3) == [suite]
