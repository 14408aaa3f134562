"""The start-up benchmark compares what it should; what it measures is no matter for a test."""

import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "tools/benchmark/startup.py"


@pytest.fixture
def startup(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PROGRAM.parent))  # as where it is run
    specification = importlib.util.spec_from_file_location("startup", PROGRAM)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(sys, "argv", ["startup.py", "--rounds", "3"])
    return module


def pretend(startup: ModuleType, monkeypatch: pytest.MonkeyPatch, imported: float, silent: float, wandb: float) -> None:
    """Let each process take a given time."""

    def seconds_of(command: Sequence[str], scratch: Path) -> float:
        return imported if "-c" in command else silent if "--no-wandb" in command else wandb

    monkeypatch.setattr(startup, "seconds_of", seconds_of)


def test_times_within_their_limits_pass(
    startup: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(startup, monkeypatch, imported=1.0, silent=1.5, wandb=2.1)
    assert startup.main() == 0
    printed = capsys.readouterr().out
    assert "| `train.py --experiment xor --no-wandb` | 1.50 s | 1.50 s | 1.50 | 1.6 | pass |" in printed
    assert "torch 2." in printed


@pytest.mark.parametrize(("silent", "wandb"), [(1.7, 2.0), (1.5, 2.3)])
def test_a_passed_limit_fails(
    silent: float,
    wandb: float,
    startup: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend(startup, monkeypatch, imported=1.0, silent=silent, wandb=wandb)
    assert startup.main() == 1
    assert capsys.readouterr().out.count("FAIL") == 1
