"""The benchmark of a step compares what it should; what it measures is no matter for a test."""

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "tools/benchmark/engine_overhead.py"
MODULES = PROGRAM.parent / "overhead"


@pytest.fixture
def overhead(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PROGRAM.parent))  # as where it is run
    specification = importlib.util.spec_from_file_location("engine_overhead", PROGRAM)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "prepare", lambda packages: {})
    monkeypatch.setattr(module, "versions", lambda packages: "versions")
    monkeypatch.setattr(sys, "argv", ["engine_overhead.py", "--repeats", "3", "--threads", "1,2"])
    return module


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """`measure.py`, as it is imported where a peer is measured."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(MODULES))
    yield importlib.import_module("measure")
    for name in {path.stem for path in MODULES.glob("*.py")} - before:
        sys.modules.pop(name, None)


def test_a_cell_is_the_median_time_and_the_median_of_the_ratios(
    overhead: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rounds = iter(range(1000))

    def measure(peer: object, tasks: Sequence[str], threads: int) -> dict[str, dict[str, float]]:
        time = [90.0, 300.0, 110.0][next(rounds) % 3]
        return {
            task: {"microseconds": time, "reference": 100.0, "peak_megabytes": 250.0, "first_epoch_seconds": 1.0}
            for task in tasks
        }

    monkeypatch.setattr(overhead, "measure", measure)
    monkeypatch.setattr(sys, "argv", [*sys.argv[:3], "--threads", "1", "--peers", "ours", "--tasks", "i"])
    assert overhead.main() == 0
    printed = capsys.readouterr().out
    assert "versions\nMedians of 3 repeats." in printed
    assert "| trainer | i | peak memory |\n|---|---|---|\n" in printed
    assert "| **ours, with all that is on by default** | 110 µs, 1.10 | 250 MB |" in printed


def test_a_peer_that_fails_stands_in_every_table_with_the_reason(
    overhead: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(peer: object, tasks: Sequence[str], threads: int) -> dict[str, dict[str, float]]:
        if getattr(peer, "name", "") == "ignite":
            raise RuntimeError("it fell over")
        return {
            task: {"microseconds": 1.0, "reference": 1.0, "peak_megabytes": 1.0, "first_epoch_seconds": 1.0}
            for task in tasks
        }

    monkeypatch.setattr(overhead, "prepare", lambda packages: {"keras": "there is no such package"})
    monkeypatch.setattr(overhead, "measure", measure)
    assert overhead.main() == 1
    printed = capsys.readouterr().out
    assert printed.count("| Ignite (no handlers) | not measured: it fell over | | | |") == 2
    assert printed.count("not measured: there is no such package") == 2
    assert printed.count("| 1 µs, 1.00") == 4 * 2 * (len(overhead.PEERS) - 2)


def test_an_unknown_name_is_a_mistake_of_the_command_line(
    overhead: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["engine_overhead.py", "--peers", "lightening"])
    with pytest.raises(SystemExit, match="2"):
        overhead.main()
    assert "unknown name 'lightening' in --peers; known: ours, " in capsys.readouterr().err


def test_every_peer_has_its_module_and_its_exact_versions(overhead: ModuleType) -> None:
    for peer in overhead.PEERS:
        assert (MODULES / f"{peer.module}.py").exists()
        lines = (PROGRAM.parent / f"requirements/{peer.package}.txt").read_text().splitlines()
        assert all("==" in line or line.startswith(("#", "-r ")) for line in lines)
    assert len({peer.name for peer in overhead.PEERS}) == len(overhead.PEERS)


@pytest.mark.parametrize(
    ("module", "loop"),
    [
        ("with_engine", "record_only"),
        *(("with_torch", loop) for loop in ("data_loader", "in_memory", "in_memory_fused")),
    ],
)
def test_our_loop_and_those_by_hand_do_the_work_that_is_timed(module: str, loop: str, tmp_path: Path) -> None:
    """As a process of its own, as the benchmark runs it; it fails where a step is missing or the loss does not fall."""
    output = tmp_path / "result.json"
    command = [sys.executable, str(MODULES / "measure.py"), "--module", module, "--loop", loop, "--tasks", "i"]
    command += ["--threads", "1", "--folder", str(tmp_path), "--output", str(output)]
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert all(value > 0 for value in json.loads(output.read_text())["i"].values())


def test_a_loop_that_leaves_out_steps_is_refused(modules: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="0 steps instead of 2000"):
        modules.times(lambda work: None, modules.TASKS["i"], tmp_path, 40)


@pytest.mark.parametrize("wrong", [("--repeats", "0"), ("--repeats", "-1"), ("--threads", "1,x"), ("--threads", "")])
def test_a_wrong_number_is_told_with_its_option(
    wrong: tuple[str, str], overhead: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["engine_overhead.py", f"{wrong[0]}={wrong[1]}"])
    with pytest.raises(SystemExit):
        overhead.main()
    assert f"{wrong[0]}: '{wrong[1].rpartition(',')[2]}' is no whole number from 1 on" in capsys.readouterr().err
