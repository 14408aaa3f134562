"""The load test compares what it should, by a client that measures what it says; the figures are no matter here."""

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "tools/benchmark/serving.py"


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PROGRAM.parent))  # as where it is run
    specification = importlib.util.spec_from_file_location("serving", PROGRAM)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "install", lambda package: None)
    monkeypatch.setattr(module, "make", lambda model: None)
    monkeypatch.setattr(module, "versions", lambda: "versions")
    monkeypatch.setattr(module, "client_alone", lambda options: "the client")
    monkeypatch.setattr(sys, "argv", ["serving.py", "--models", "digits", "--connections", "8"])
    return module


def pretend(serving: ModuleType, monkeypatch: pytest.MonkeyPatch, **found: tuple[float, float]) -> None:
    """Let each server have a rate and a 99th percentile; the others are slow."""

    def measure(model: Any, options: argparse.Namespace) -> tuple[Any, dict[str, str]]:
        rows = {peer.name: found.get(peer.name, (100.0, 90.0)) for peer in options.peers}
        return {
            (name, number): [{"rate": rate * scale, "p50": 1.0, "p99": p99, "cpu": 500.0} for scale in (0.5, 1, 3)]
            for name, (rate, p99) in rows.items()
            for number in options.connections
        }, {}

    monkeypatch.setattr(serving, "measure", measure)


def test_ours_ahead_of_each_peer_passes(
    serving: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend(serving, monkeypatch, ours=(2000.0, 9.0), fastapi=(2050.0, 8.8), litserve=(1000.0, 20.0))
    assert serving.main() == 0
    printed = capsys.readouterr().out
    assert "versions\nthe client\nMedians of 3 repeats of 2 s." in printed
    assert "| server | 8 connections |\n|---|---|\n" in printed
    assert "| **ours, its defaults (batching)** | 2,000/s, 1.0, 9.0 ms, 500 µs |" in printed
    assert "Ours, batching, is as fast" in printed


@pytest.mark.parametrize(("rate", "p99"), [(2200.0, 9.0), (2000.0, 8.0)])
def test_a_peer_that_answers_more_or_sooner_fails(
    rate: float,
    p99: float,
    serving: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend(serving, monkeypatch, ours=(2000.0, 9.0), fastapi=(rate, p99))
    assert serving.main() == 1
    assert capsys.readouterr().out.count("FAIL: plain FastAPI, `async def`, 8 connections") == 1


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--peers", "ourselves", "unknown name 'ourselves' in --peers; known: ours, "),
        ("--connections", "abc", "argument --connections: 'abc' is no whole number from 1 on"),
        ("--connections", "1,0", "argument --connections: '0' is no whole number from 1 on"),
    ],
)
def test_what_is_no_option_is_a_mistake_of_the_command_line(
    option: str,
    value: str,
    message: str,
    serving: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["serving.py", option, value])
    with pytest.raises(SystemExit, match="2"):
        serving.main()
    assert message in capsys.readouterr().err


def test_every_peer_has_its_program_and_its_exact_versions(serving: ModuleType) -> None:
    for peer in serving.PEERS:
        lines = (PROGRAM.parent / f"requirements/{peer.package}.txt").read_text().splitlines()
        assert all("==" in line or line.startswith(("#", "-r ")) for line in lines)
        assert peer.command[0] == "-P" or Path(peer.command[0]).exists()


def test_answers_are_alike_but_for_rounding(serving: ModuleType) -> None:
    answer = {"label": "3", "candidates": [{"probability": 0.5}]}
    assert serving.alike(answer, {"label": "3", "candidates": [{"probability": 0.500001}]})
    assert not serving.alike(answer, {"label": "3", "candidates": [{"probability": 0.51}]})
    assert not serving.alike(answer, {"label": "3"})


def test_the_client_counts_the_answers_and_its_server_is_stopped(serving: ModuleType, tmp_path: Path) -> None:
    bodies = tmp_path / "bodies.jsonl"
    bodies.write_text(json.dumps({"input": [0.5] * 2000}) + "\n" + json.dumps({"input": [1]}) + "\n")
    command = [sys.executable, serving.SERVERS / "trivial.py", "--port", "{port}"]
    with serving.Server(command, {}) as server:
        assert server.wait_until_it_answers("{}") == {"answer": None}
        found = server.load(bodies, 3, "--requests", "50")
        assert (found["answers"], found["statuses"]) == (50, {"200": 50})
        assert 0 < found["p50"] <= found["p99"] and found["rate"] > 0
        assert server.resident_megabytes() > 1 and len(server.processes()) == 1
    assert server.processes() == []


def test_a_server_that_ends_is_told_with_its_last_words(serving: ModuleType) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such model')"]
    with serving.Server(command, {}) as server, pytest.raises(RuntimeError, match="no such model"):
        server.wait_until_it_answers("{}")


def test_growth_is_that_of_the_trend_and_not_of_the_last_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    from serving_memory import growth

    assert growth([100.0, 101.0] * 15) == pytest.approx(0, abs=0.2)
    assert growth([100.0 + i for i in range(30)]) == pytest.approx(30)


def test_the_memory_is_watched_over_good_and_bad_requests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(str(PROGRAM.parent))
    from serving_memory import mix

    bodies = tmp_path / "bodies.jsonl"
    bodies.write_text('{"input": [1.0]}\n' * 32)
    lines = mix(bodies).read_text().splitlines()
    assert len(lines) == 20 and lines.count('{"input": [1.0]}') == 17
    assert json.loads(lines[17]) == {"inputs": [[1.0]] * 8}
