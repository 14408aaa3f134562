"""A learner copies a chapter, writes its parts and has them graded; in a small clone, with a chapter of two parts."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.doubles.toy_clone import REPOSITORY, ToyClone

MODEL = '''"""Numbers."""

from jaxtyping import Float
from numpy import ndarray


def double(x: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
    """Twice the numbers."""
    # exercise double: twice the numbers, equation (1)
    # (1)  y = 2 x
    return 2 * x
    # end exercise


def quadruple(x: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
    """Four times the numbers."""
    # exercise quadruple: the double of the double
    return double(double(x))
    # end exercise
'''
TESTS = """
import numpy as np
from model import double, quadruple
from tests.support.agreement import agree

X = np.array([1.0, 3.0])

def test_a_double_is_twice_the_number():
    agree("the doubles", double(X), [2, 6], tolerance=1e-9, equation="(1)", against="addition")

def test_a_quadruple_is_four_times_the_number():
    agree("the quadruples", quadruple(X), [4, 12], tolerance=1e-9)
"""
EXERCISES = """
- part: double
  tests: [tests/test_toy.py::test_a_double_is_twice_the_number]
  hints: [a nudge, a push, the line]
  wrong:
    - {replace: "2 * x", by: "3 * x", because: the factor is off}
    - {replace: "2 * x", by: "2 * x.sum()", because: the numbers are added up}
- part: quadruple
  tests: [tests/test_toy.py::test_a_quadruple_is_four_times_the_number]
  hints: [use the first part]
  wrong:
    - {replace: "double(double(x))", by: "double(x)", because: it is doubled once}
"""
MUTANTS = """
- {name: doubling is by two, file: src/model.py, replace: "2 * x", by: "x"}
- {name: doubling twice, file: src/model.py, replace: "double(double(x))", by: "double(x)", tests: [tests/test_toy.py]}
"""
TRAIN = """
import click
from project.unwritten import not_written_yet
from utils.terminal.run import run_command

@click.command()
def train():
    import numpy
    from model import double
    print(__file__, double(numpy.ones(1)))

run_command(train, explain=not_written_yet)
"""
BLANK = 'raise NotImplementedError("twice the numbers, equation (1)")'


@pytest.fixture
def clone(tmp_path: Path) -> ToyClone:
    clone = ToyClone(tmp_path)
    clone.add_chapter("01_toy", {"model.py": MODEL, "train.py": TRAIN})
    clone.write("models/01_toy/tests/test_toy.py", TESTS)
    clone.write("models/01_toy/tests/idea_mutants.yaml", MUTANTS)
    clone.write("models/01_toy/exercises.yaml", EXERCISES)
    clone.write("docs/parity.md", "# Parity\n\n<!-- parity -->\n<!-- end parity -->\n\nThe end.\n")
    shutil.copy(REPOSITORY / "conftest.py", clone.root)
    shutil.copytree(REPOSITORY / "tests/support", clone.root / "tests/support")
    return clone


@pytest.fixture
def copy(clone: ToyClone) -> Path:
    """A learner's copy of the chapter."""
    made = clone.scratch("exercise", "1")
    assert made.returncode == 0, made.stderr
    return clone.root / "workspace/01_toy"


def written(copy: Path, body: str) -> None:
    """What the learner puts in the place of the first blank."""
    model = copy / "src/model.py"
    model.write_text(model.read_text().replace(f"    {BLANK}\n", body))


def refused(ran: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """The one line of a command that failed."""
    assert ran.returncode == code, ran.stdout + ran.stderr
    (line,) = ran.stderr.splitlines()
    return line


# --- the copy


def test_a_copy_has_its_parts_blank_and_their_equations_left(copy: Path) -> None:
    text = (copy / "src/model.py").read_text()
    assert f"    # (1)  y = 2 x\n    {BLANK}\n    # end exercise\n" in text
    assert "return" not in text
    compile(text, "model.py", "exec")
    assert sorted(path.name for path in copy.iterdir()) == ["config", "requirements.txt", "src"]


def test_a_copy_that_is_there_is_not_overwritten(clone: ToyClone, copy: Path) -> None:
    written(copy, "    return 2 * x\n")
    before = (copy / "src/model.py").read_text()
    assert "workspace/01_toy is there already" in refused(clone.scratch("exercise", "1"))
    assert (copy / "src/model.py").read_text() == before


def test_a_copy_is_trained_by_its_path(clone: ToyClone, copy: Path) -> None:
    unwritten = refused(clone.scratch("train", "workspace/01_toy"), code=1)
    assert "not written yet: twice the numbers, equation (1); `./scratch check 01_toy`" in unwritten
    written(copy, "    return 2 * x\n")
    trained = clone.scratch("train", "workspace/01_toy")
    assert trained.stdout == f"{copy}/src/train.py [2.]\n", trained.stderr


@pytest.mark.parametrize(
    "command",
    [("check", "1"), ("exercise", "1", "--hint"), ("exercise", "1", "--reset"), ("train", "workspace/01_toy")],
)
def test_without_a_copy_one_is_told_how_to_make_it(clone: ToyClone, command: tuple[str, ...]) -> None:
    assert "./scratch exercise" in refused(clone.scratch(*command))


# --- the grading


def test_parts_are_graded_in_order_up_to_the_first_that_is_missing(clone: ToyClone, copy: Path) -> None:
    first = clone.scratch("check", "1")
    assert first.returncode == 1, first.stderr
    assert first.stdout.splitlines()[:2] == [
        "[!] double     twice the numbers, equation (1)",
        "[ ] quadruple  the double of the double",
    ]
    assert "Part double is not written yet: twice the numbers, equation (1)" in first.stdout
    assert "workspace/01_toy/src/model.py:11" in first.stdout

    shown = clone.scratch("exercise", "1", "--solution", "double")
    assert "return 2 * x" in shown.stdout
    second = clone.scratch("check", "1")
    assert second.returncode == 1
    assert "[x] double" in second.stdout
    assert "Part quadruple is not written yet: the double of the double" in second.stdout
    assert "quadruple, hint 1 of 1: use the first part" in clone.scratch("exercise", "1", "--hint").stdout

    assert clone.scratch("check", "1", "double").returncode == 0
    clone.scratch("exercise", "1", "--solution", "quadruple")
    last = clone.scratch("check", "1")
    assert last.returncode == 0
    assert "All parts pass" in last.stdout


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    return 3 * x\n", "the doubles (equation (1)): at index (0,), expected 2 by addition, came 3"),
        ("    return 2 * y\n", "line 11 of src/model.py, in double: `return 2 * y`\n    NameError: name 'y' is not"),
        ("    return 2 * x.sum()\n", "double returned "),
        ("    return x[:, None] * 2\n", "double returned float64 of shape (2, 1); expected Float[ndarray, 'n']"),
        ("    return (2 * x\n", "Line 11 of src/model.py is not Python: '(' was never closed"),
        ("  return 2 * x\n", "Line 11 of src/model.py is not Python: unindent does not match"),
        ("    import os\n    os._exit(0)\n", "the code ended Python, with exit code 0"),
        ("    print('x is', x)\n    return x\n", "Your code printed:\n    x is [1. 3.]"),
        ("    pass\n", "double returned None; expected Float[ndarray, 'n']"),
    ],
    ids=["number", "name", "kind", "shape", "syntax", "indentation", "exit", "print", "nothing"],
)
def test_a_mistake_is_said_in_words(clone: ToyClone, copy: Path, body: str, said: str) -> None:
    written(copy, body)
    graded = clone.scratch("check", "1")
    assert graded.returncode == 1, graded.stderr
    assert said in graded.stdout
    assert "[!] double" in graded.stdout
    assert "Traceback" not in graded.stdout + graded.stderr


def test_a_loop_that_never_ends_is_cut_off_and_its_line_is_said(clone: ToyClone, copy: Path) -> None:
    written(copy, "    import time\n    while True:\n        time.sleep(0.01)\n")
    for limit in ("2", "10", "50"):  # as short as it may be: a busy machine takes seconds to get to the loop
        said = clone.scratch("check", "1", "--limit", limit).stdout
        if f"no answer after {limit} s: is there a loop that never ends? It was at line 1" in said:
            return
    pytest.fail(said)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_check_leaves_no_process_behind(
    clone: ToyClone, copy: Path, number: signal.Signals, code: int
) -> None:
    pid = clone.root / "pid"
    note = f"    import os, pathlib\n    pathlib.Path('{pid}').write_text(str(os.getpid()))\n"
    written(copy, f"{note}    while True:\n        pass\n")
    assert clone.interrupted(number, pid, "check", "1") == (code, f"error: stopped by {number.name}\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_tests_beside_the_copy_change_no_grade(clone: ToyClone, copy: Path) -> None:
    (copy / "tests").mkdir()
    (copy / "tests/test_toy.py").write_text("def test_a_double_is_twice_the_number(): pass\n")
    assert clone.scratch("check", "1", "double").returncode == 1


def test_an_unknown_part_is_answered_with_the_closest(clone: ToyClone, copy: Path) -> None:
    assert "did you mean 'double'" in refused(clone.scratch("check", "1", "doubl"))


# --- help


def test_hints_come_in_steps(clone: ToyClone, copy: Path) -> None:
    said = [clone.scratch("exercise", "1", "--hint").stdout.splitlines()[0] for _ in range(4)]
    assert [line.partition(": ")[2] for line in said] == ["a nudge", "a push", "the line", "the line"]
    assert clone.scratch("exercise", "1", "--hint", "2").stdout == "double, hint 2 of 3: a push\n"
    assert "use the first part" in clone.scratch("exercise", "1", "--hint", "quadruple:1").stdout
    assert "hints 1 to 3, not 4" in refused(clone.scratch("exercise", "1", "--hint", "4"))


def test_a_reset_keeps_what_was_written(clone: ToyClone, copy: Path) -> None:
    written(copy, "    return 5 * x\n")
    assert clone.scratch("exercise", "1", "--reset", "double").returncode == 0
    assert BLANK in (copy / "src/model.py").read_text()
    assert "return 5 * x" in (copy / "backups/1/model.py").read_text()
    (copy / "src/model.py").write_text("ruined")
    assert "put them back" in refused(clone.scratch("exercise", "1", "--solution", "double"))
    assert clone.scratch("exercise", "1", "--reset").returncode == 0
    assert BLANK in (copy / "src/model.py").read_text()
    assert (copy / "backups/2/model.py").read_text() == "ruined"


# --- for authors


def test_graders_are_proved(clone: ToyClone) -> None:
    proved = clone.scratch("check", "1", "--prove")
    assert proved.returncode == 0, proved.stdout + proved.stderr
    assert proved.stdout.endswith("6 of 6 copies of 01_toy are graded as they should be\n")


def test_a_grader_that_lets_a_wrong_solution_pass_is_named(clone: ToyClone) -> None:
    clone.write("models/01_toy/tests/test_toy.py", TESTS.replace("1e-9, equation", "9, equation"))
    proved = clone.scratch("check", "1", "--prove")
    assert proved.returncode == 1
    assert "AMISS  double: the factor is off\n       its tests pass" in proved.stdout


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("part: quadruple", "part: triple", "its parts (double, triple) should be those marked in src/"),
        ('replace: "double(double(x))"', 'replace: "double"', "should be there once, and is there 2 times"),
        ("hints: [use the first part]", "hint: x", "parts.1.hints is missing"),
    ],
)
def test_exercises_that_do_not_fit_the_sources_are_refused(clone: ToyClone, old: str, new: str, message: str) -> None:
    clone.write("models/01_toy/exercises.yaml", EXERCISES.replace(old, new))
    assert message in refused(clone.scratch("exercise", "1"))


def test_mutants_are_noticed_and_the_test_is_named(clone: ToyClone) -> None:
    ran = clone.scratch("mutants", "1")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    rows = [line.split("  ") for line in ran.stdout.splitlines() if line.startswith("doubling")]
    assert [(row[0], row[-1].strip()) for row in rows] == [
        ("doubling is by two", "a double is twice the number"),
        ("doubling twice", "a quadruple is four times the number"),
    ]


@pytest.mark.parametrize("by", ["2.0 * x", "2 *"], ids=["the same", "no Python"])
def test_a_mutant_that_no_test_notices_survives(clone: ToyClone, by: str) -> None:
    clone.write("models/01_toy/tests/idea_mutants.yaml", MUTANTS.replace('by: "x"', f'by: "{by}"'))
    ran = clone.scratch("mutants", "1")
    assert ran.returncode == 1
    assert "SURVIVES" in ran.stdout
    assert "1 of 2 idea mutants" in ran.stdout


def test_a_mutant_that_cannot_be_applied_is_refused(clone: ToyClone) -> None:
    clone.write("models/01_toy/tests/idea_mutants.yaml", MUTANTS.replace('"2 * x"', '"9 * x"'))
    assert "'9 * x' should be there once, and is there 0 times" in refused(clone.scratch("mutants", "1"))


def test_the_parity_table_is_written_from_the_tests_and_checked(clone: ToyClone) -> None:
    lacking = clone.scratch("parity", "--check")
    assert lacking.returncode == 1, lacking.stderr
    assert "not in the table: 01_toy, the doubles, addition, 1, 1e-09" in lacking.stdout
    assert clone.scratch("parity").returncode == 0
    document = (clone.root / "docs/parity.md").read_text()
    assert "| 01_toy | the doubles | addition | 1 | 1e-09 | 0 |\n\n<!-- end parity -->\n\nThe end.\n" in document
    assert clone.scratch("parity", "--check").returncode == 0
    clone.write("models/01_toy/tests/test_toy.py", TESTS.replace(', against="addition"', ""))
    assert "no longer measured: 01_toy" in clone.scratch("parity", "--check").stdout


def test_a_comparison_that_fails_is_an_error_of_one_line(clone: ToyClone) -> None:
    clone.write("models/01_toy/tests/test_toy.py", TESTS.replace("[2, 6]", "[2, 7]"))
    assert "01_toy does not agree" in refused(clone.scratch("parity"), code=1)
