"""`./scratch` as a user runs it, in a small clone."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.doubles.toy_clone import ToyClone, executable

TELL = """
import os, sys
print(sys.argv[1:], "PYTHONDONTWRITEBYTECODE" in os.environ)
sys.exit(7)
"""
WAIT = """
import signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: sys.exit(128 + number))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def clone(tmp_path: Path) -> ToyClone:
    toy = ToyClone(tmp_path)
    toy.add_chapter("01_toy", {"train.py": TELL, "evaluate.py": TELL})
    return toy


def test_the_launcher_starts_the_command_line(clone: ToyClone) -> None:
    listed = clone.scratch("list")
    assert listed.returncode == 0, listed.stderr
    assert "01_toy  Toy (1958)\n  A. One, B. Two: On toys\n    xor  No line can do it." in listed.stdout


def test_the_launcher_works_from_any_folder_and_through_a_link(clone: ToyClone, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "cli").mkdir(parents=True)  # must not be taken for ours
    (elsewhere / "scratch").symlink_to(clone.root / "scratch")
    listed = subprocess.run(
        [elsewhere / "scratch", "list"], cwd=elsewhere, capture_output=True, text=True, env=clone.environment()
    )
    assert listed.returncode == 0, listed.stderr
    assert "01_toy" in listed.stdout


def test_an_old_python_is_told_what_is_needed(clone: ToyClone) -> None:
    pretend = (
        "import runpy, sys; sys.version_info = (3, 10, 1); "
        f"runpy.run_path({str(clone.root / 'scratch')!r}, run_name='__main__')"
    )
    refused = subprocess.run([sys.executable, "-c", pretend], capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr == "error: scratch needs Python 3.11 or newer, and this is 3.10; try: python3.12 scratch\n"


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_everything_after_the_chapter_goes_to_its_script_as_it_is(clone: ToyClone, command: str) -> None:
    arguments = ["--help", "--epochs", "3", "model.hidden=[8,8]", "--", "--all"]
    told = clone.scratch(command, "toy", *arguments, PYTHONDONTWRITEBYTECODE="1")
    assert told.stdout == f"{arguments} False\n"
    assert told.returncode == 7


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_reaches_the_script_and_its_exit_code_comes_back(
    clone: ToyClone, number: signal.Signals, code: int
) -> None:
    clone.write("models/01_toy/src/train.py", WAIT)
    command = [sys.executable, str(clone.root / "scratch"), "train", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=clone.environment()) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(20) == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tset"], "unknown command 'tset', did you mean 'test'?"),
        (["train", "01_toi"], "unknown chapter '01_toi', did you mean '01_toy'?; known: 01_toy"),
        (["evaluate", "9"], "unknown chapter '9'; known: 01_toy"),
        (["test", "9"], "unknown chapter '9'; known: 01_toy"),
        (["setup", "9"], "unknown chapter '9'; known: 01_toy"),
        (["setup"], "say which chapters, or --all"),
        (["setup", "1", "--all"], "say which chapters, or --all"),
        (["train"], "Missing argument 'NN'"),
        (["list", "--nope"], "No such option '--nope'"),
        (["data", "gett", "mnist"], "unknown command 'gett', did you mean 'get'?"),
        (["demo"], "unknown chapter '01_perceptron'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_the_user_got_wrong_is_answered_in_one_line(clone: ToyClone, arguments: list[str], message: str) -> None:
    refused = clone.scratch(*arguments)
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert re.fullmatch(r"error: .*\n", refused.stderr)
    assert message in refused.stderr


def test_debug_shows_where_an_error_came_from(clone: ToyClone) -> None:
    refused = clone.scratch("--debug", "train", "9")
    assert refused.returncode != 0
    assert "Traceback" in refused.stderr


def test_setup_says_where_the_environment_is(clone: ToyClone) -> None:
    made = clone.scratch("setup", "--all", "--dev")
    assert made.stdout == f"01_toy: ready; {clone.root}/models/01_toy/.venv/bin/python\n"


def test_an_index_that_does_not_answer_costs_one_line(clone: ToyClone, tmp_path: Path) -> None:
    clone.write("cli/requirements.txt", "no-such-package-at-all==1.0\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    executable(  # makes an environment, and then has no network
        programs / "uv",
        'if [ "$1" = venv ]; then for last; do :; done\n'
        'mkdir -p "$last/bin" "$last/lib/python3.11/site-packages"; touch "$last/bin/python"; exit 0; fi\n'
        'echo "error: Failed to fetch: the index"; echo "  cause: Connection refused"; exit 2',
    )
    failed = clone.scratch("list", PATH=f"{programs}:{os.environ['PATH']}")
    assert failed.returncode == 1
    assert failed.stdout == ""
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("error: installing packages into .venv failed: Failed to fetch: the index: Connection ref")
    assert "Traceback" not in failed.stderr


def test_two_commands_at_once_set_up_once(clone: ToyClone, tmp_path: Path) -> None:
    clone.write("cli/requirements.txt", "# changed, so the environment is made anew\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    executable(
        programs / "uv",
        'if [ "$1" = venv ]; then for last; do :; done\n'
        f'echo made >> "{tmp_path}/count"; mkdir -p "$last/bin" "$last/lib/python3.11/site-packages"\n'
        f'printf \'#!/bin/sh\\nPYTHONPATH="{clone.root}" exec "{sys.executable}" "$@"\\n\' > "$last/bin/python"\n'
        'chmod +x "$last/bin/python"; exit 0; fi\nsleep 0.5',
    )
    environment = clone.environment(PATH=f"{programs}:{os.environ['PATH']}")
    command = [sys.executable, str(clone.root / "scratch"), "list"]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(30) for process in processes] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "made\n"


def test_an_installer_that_outlives_its_command_keeps_others_waiting(clone: ToyClone, tmp_path: Path) -> None:
    clone.write("cli/requirements.txt", "# changed\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    executable(programs / "uv", f'touch "{tmp_path}/started"; sleep 1.5; touch "{tmp_path}/ended"; exit 1')
    environment = clone.environment(PATH=f"{programs}:{os.environ['PATH']}")
    command = [sys.executable, str(clone.root / "scratch"), "list"]
    first = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    while first.poll() is None and not (tmp_path / "started").exists():
        time.sleep(0.02)
    first.kill()
    first.wait()
    assert not (tmp_path / "ended").exists()
    second = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert second.stderr
    assert second.stderr.readline() == "waiting for another scratch command that is installing packages\n"
    assert second.stderr.readline() == "making .venv\n"
    assert (tmp_path / "ended").exists()
    second.communicate(timeout=120)


def test_a_real_environment_is_made_from_a_local_list_without_network(tmp_path: Path) -> None:
    toy = ToyClone(tmp_path / "clone")
    toy.write("models/01_toy/src/constants.py", "TITLE = 'Toy'\n")
    toy.write("models/01_toy/src/train.py", "import toy_package; print(toy_package.NAME)\n")
    toy.write("models/01_toy/requirements.txt", "# its own package, as chapters have it\n-e ../..\n")
    toy.write("toy_package.py", "NAME = 'found'\n")
    toy.write("pyproject.toml", PYPROJECT)
    toy.write("backend/toy_backend.py", BACKEND)
    toy.fill(toy.project.venv())
    without_uv = os.pathsep.join(p for p in os.environ["PATH"].split(os.pathsep) if not Path(p, "uv").exists())
    made = toy.scratch("train", "1", PIP_NO_INDEX="1", PATH=without_uv)
    assert made.stdout == "found\n", made.stderr
    again = toy.scratch("train", "1")
    assert (again.stdout, again.stderr) == ("found\n", "")


PYPROJECT = """
[build-system]
requires = []
build-backend = "toy_backend"
backend-path = ["backend"]

[project]
name = "toy"
version = "1"
"""

# The smallest build backend that can install a folder in editable mode, so that the test needs no setuptools.
BACKEND = """
import pathlib, zipfile

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "toy-1-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        wheel.writestr("toy.pth", str(pathlib.Path.cwd()))
        wheel.writestr("toy-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: toy\\nVersion: 1\\n")
        wheel.writestr("toy-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr("toy-1.dist-info/RECORD", "")
    return name

build_wheel = build_editable
"""
