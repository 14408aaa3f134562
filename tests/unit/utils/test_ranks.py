"""How a launch is made again, from where the user is."""

import sys
from pathlib import Path

import pytest

from engine.config import ExperimentConfig
from engine.runs.run import Options, Run
from utils.ranks import launch_command, spans_machines


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A chapter's folder with an environment of its own, in which the user is."""
    chapter = tmp_path / "models/01 toy"
    (chapter / "src").mkdir(parents=True)
    monkeypatch.chdir(chapter)
    monkeypatch.setattr(sys, "executable", str(chapter / ".venv/bin/python"))
    return chapter


def how_to_go_on(chapter: Path, outputs: Path) -> str:
    run = Run(chapter, ExperimentConfig.model_construct(), outputs, Options(), "or-0")
    return run.how_to_go_on(3)


def test_what_lies_below_the_user_is_named_from_there(here: Path) -> None:
    assert launch_command(here / "src/train.py", 1) == [".venv/bin/python", "src/train.py"]
    assert launch_command(Path("/elsewhere/train.py"), 1) == [".venv/bin/python", "/elsewhere/train.py"]


def test_several_processes_are_launched_by_torchrun(here: Path) -> None:
    command = launch_command(here / "src/train.py", 2)
    assert command[1:3] == ["-m", "torch.distributed.run"]
    assert command[-3:] == ["--nproc-per-node", "2", "src/train.py"]


@pytest.mark.parametrize(
    ("outputs", "told"),
    [("outputs", ""), ("else where", " --outputs 'else where'"), ("../outputs", " --outputs ../outputs")],
)
def test_a_run_that_was_stopped_says_how_to_go_on_from_here(here: Path, outputs: str, told: str) -> None:
    said = "stopped at step 3; go on with .venv/bin/python src/train.py --resume or-0"
    assert how_to_go_on(here, Path(outputs)) == f"{said}{told}"
    assert how_to_go_on(here, here / "outputs") == said


def test_a_launch_over_several_machines_is_left_to_who_made_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert not spans_machines()
    assert " --nproc-per-node 4 src/train.py --resume or-0" in how_to_go_on(here, here / "outputs")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert (
        how_to_go_on(here, Path("o")) == "stopped at step 3; go on with the same launch and --resume or-0 --outputs o"
    )
