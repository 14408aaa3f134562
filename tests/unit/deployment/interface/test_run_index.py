"""The list of runs: every folder is in it, whatever is in the folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.interface.run_index import COLUMNS, Catalogue, Entry, chosen_by

CONFIG = """
claims:
- {kind: theorem, metric: train/accuracy, at_least: 0.9, over: "every seed, last epoch", because: it is separable}
- {kind: theorem, metric: train/accuracy, at_most: 0.9, over: "every seed, last epoch", because: it is not separable}
- {kind: measured, metric: train/nothing, at_most: 0.9, over: "every seed, last epoch", because: nobody measured it}
- {kind: measured, metric: train/accuracy, at_least: 0.9, over: "mean over seeds, last epoch", because: of the others}
"""


def add_run(
    outputs: Path, name: str, summary: str | None, history: str = "", config: str | bytes = "claims: []"
) -> None:
    folder = outputs / "models" / name
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_bytes(config if isinstance(config, bytes) else config.encode())
    if summary is not None:
        (folder / "metrics.json").write_text(summary)
    logs = outputs / "logs" / name
    logs.mkdir(parents=True)
    (logs / "metrics.jsonl").write_text(history)


def finished(**more: object) -> str:
    best = {"metric": "train/accuracy", "value": 1.0, "step": 3}
    return json.dumps({"status": "finished", "chapter": "01_toy", "best": best} | more)


def entries(outputs: Path) -> list[Entry]:
    return Catalogue([("01_toy", outputs)]).entries()


def test_no_outputs_are_no_runs(tmp_path: Path) -> None:
    assert entries(tmp_path / "nowhere") == []


@pytest.mark.parametrize("summary", [None, "", '{"status": "fini', "[]", "3", '"text"', "[" * 100_000])
def test_a_broken_run_is_listed_as_unreadable(tmp_path: Path, summary: str | None) -> None:
    add_run(tmp_path, "xor-0-20260101T000000Z-0000", summary, history="{half a li")
    (entry,) = entries(tmp_path)
    assert (entry.status, entry.history(), entry.claims(), entry.last()) == ("unreadable", [], [], {})
    assert len(entry.row()) == len(COLUMNS)


@pytest.mark.parametrize("line", ["[1]", '"x"', '{"a/b": 1.0}', '{"step": 1, "a/b": "text"}', '{"step": 1, "a/b": {}}'])
def test_a_record_with_a_line_that_is_no_row_has_no_history(tmp_path: Path, line: str) -> None:
    add_run(tmp_path, "and-0", finished(last={"train/loss": 0.5}), f"{line}\n", CONFIG)
    (entry,) = entries(tmp_path)
    assert (entry.status, entry.history(), entry.last()) == ("finished", [], {"train/loss": 0.5})
    assert [claim.split("**")[1] for claim in entry.claims()] == [*["Not measured"] * 3, "Needs several runs"]


@pytest.mark.parametrize("config", [b"claims: [\xff]", "claims: " + "[" * 3000, "[", "3", "claims: 3", "claims: [3]"])
def test_a_config_that_cannot_be_read_claims_nothing(tmp_path: Path, config: str | bytes) -> None:
    add_run(tmp_path, "and-0", finished(), config=config)
    assert entries(tmp_path)[0].claims() == []


HOLD = """
import pathlib, sys
from utils.locks import ProcessLock
with ProcessLock(pathlib.Path(sys.argv[1]), "the run"):
    print(flush=True)
    input()
"""


def test_a_run_whose_process_is_gone_was_killed(tmp_path: Path) -> None:
    add_run(tmp_path, "and-0", finished(status="running"))
    catalogue, lock = Catalogue([("01_toy", tmp_path)]), tmp_path / "models/and-0/.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as training:
        assert training.stdout is not None
        training.stdout.readline()
        assert [entry.status for entry in catalogue.entries()] == ["running"]
        training.kill()
    assert lock.exists()
    assert [entry.status for entry in catalogue.entries()] == ["killed"]


def test_the_last_values_of_a_killed_run_come_from_its_record(tmp_path: Path) -> None:
    rows = '{"step": 0, "train/loss": 2.0, "train/accuracy": 0.5}\n{"step": 4, "train/loss": 1.0}\n'
    add_run(tmp_path, "and-0", json.dumps({"status": "running"}), rows)
    add_run(tmp_path, "and-1", finished(last={"train/loss": 0.5}), rows)
    assert {entry.run_id: entry.last() for entry in entries(tmp_path)} == {
        "and-0": {"train/loss": 1.0, "train/accuracy": 0.5},
        "and-1": {"train/loss": 0.5},
    }


@pytest.mark.parametrize("best", [None, 3, {}, {"metric": "loss", "value": "nan"}, {"metric": "x", "value": 10**400}])
def test_a_run_without_a_best_value_has_an_empty_cell(tmp_path: Path, best: object) -> None:
    add_run(tmp_path, "and-0", finished(best=best))
    assert entries(tmp_path)[0].best == ("", None)


def test_what_is_no_number_is_an_empty_cell_and_what_is_too_long_for_a_browser_is_rounded(tmp_path: Path) -> None:
    add_run(tmp_path, "and-0", finished(seed=2**60, epoch=[1], seconds=10**400, last={"a/b": {}, "a/c": 2**60}))
    (entry,) = entries(tmp_path)
    assert entry.row()[-3:] == [float(2**60), None, None]
    assert entry.last() == {"a/b": None, "a/c": float(2**60)}
    assert type(entry.row()[-3]) is float


def test_the_newest_run_comes_first(tmp_path: Path) -> None:
    for name in ("b-0-20260101T000000Z-0000", "a-0-20260301T000000Z-0000", "c-0-20260201T000000Z-0000"):
        add_run(tmp_path, name, finished())
    assert [entry.run_id[0] for entry in entries(tmp_path)] == ["a", "c", "b"]


def test_thousands_of_runs_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2000):
        add_run(tmp_path, f"and-{number}", finished(seed=number))
    catalogue = Catalogue([("01_toy", tmp_path)])
    assert len(catalogue.entries()) == 2000
    (tmp_path / "models/and-7/metrics.json").write_text(finished(status="failed", seconds=1.5))
    read: list[str] = []
    monkeypatch.setattr(
        "deployment.interface.run_index.read_summary", lambda _, run_id: read.append(run_id) or {"status": "failed"}
    )
    again = {entry.run_id: entry for entry in catalogue.entries()}
    assert read == ["and-7"]
    assert again["and-7"].status == "failed"


def test_runs_are_chosen_by_words_chapter_and_status(tmp_path: Path) -> None:
    add_run(tmp_path, "and-0", finished())
    add_run(tmp_path, "xor-0", finished(status="failed"))
    found = entries(tmp_path)
    assert [entry.run_id for entry in chosen_by(found, "XOR toy", "", "")] == ["xor-0"]
    assert [entry.run_id for entry in chosen_by(found, "", "01_toy", "finished")] == ["and-0"]
    assert chosen_by(found, "", "02_other", "") == []


def test_claims_are_held_against_the_run_itself(tmp_path: Path) -> None:
    history = '{"step": 0, "epoch": 0, "train/accuracy": 0.5}\n{"step": 4, "epoch": 1, "train/accuracy": 1.0}\n'
    add_run(tmp_path, "and-0", finished(), history, CONFIG)
    judged = [line.split("**")[1] for line in entries(tmp_path)[0].claims()]
    assert judged == ["Holds", "Fails", "Not measured", "Needs several runs"]


def test_the_list_needs_no_torch_and_no_gradio() -> None:
    said = "import sys, deployment.interface.run_index; print(*{'torch', 'gradio'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert ran.stdout == "\n"
