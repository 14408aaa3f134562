"""`metrics.jsonl`: whole lines, cut back on resume."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.runs.metrics_log import MetricsLog, read_rows
from utils.errors import InputError, RunError

METRICS = st.dictionaries(st.text(max_size=5).filter(lambda name: name != "epoch"), st.floats(), max_size=4)
ROWS = st.lists(st.builds(lambda metrics, step: metrics | {"step": step}, METRICS, st.integers(0, 9)), max_size=6)

NO_ROWS = {
    "half": "not JSON",
    "[1]": "no object",
    '"x"': "a text",
    "null": "nothing",
    '{"a/b": 1.0}': "of no step",
    '{"step": null}': "of no step",
    '{"step": "NaN"}': "of no step",
    '{"step": 1, "epoch": "Infinity"}': "of no epoch",
    '{"step": 1, "a/b": "text"}': "a value that is a text",
    '{"step": 1, "a/b": {"c": 1}}': "a value that is an object",
    f'{{"step": 1, "a/b": 1{"0" * 400}}}': "a number that is too large",
    f'{{"step": 1, "a/b": {"[" * 100_000}': "nested too deep",
}
"""Line to what is wrong with it."""


def written(path: Path, rows: list[dict[str, float]], size: int = 0) -> int:
    with MetricsLog(path, size) as record:
        for row in rows:
            record.append(row)
        return record.sync()


@settings(max_examples=25)
@given(rows=ROWS)
def test_what_is_recorded_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, float]]) -> None:
    path = tmp_path_factory.mktemp("run") / "logs" / "metrics.jsonl"
    assert written(path, rows) == path.stat().st_size
    assert repr(read_rows(path)) == repr(rows)  # nan is nan here


def test_a_row_is_there_at_once(tmp_path: Path) -> None:
    with MetricsLog(tmp_path / "metrics.jsonl") as record:
        record.append({"step": 1})
        assert (tmp_path / "metrics.jsonl").read_text() == '{"step": 1}\n'


def test_a_new_run_starts_an_empty_record(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    written(path, [{"step": 1}])
    written(path, [{"step": 2}])
    assert read_rows(path) == [{"step": 2}]


@settings(max_examples=25)
@given(before=ROWS, lost=ROWS, after=ROWS)
def test_a_resumed_run_forgets_what_it_will_write_again(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[dict[str, float]],
    lost: list[dict[str, float]],
    after: list[dict[str, float]],
) -> None:
    path = tmp_path_factory.mktemp("run") / "metrics.jsonl"
    size = written(path, before)
    written(path, lost, size)
    written(path, after, size)
    assert repr(read_rows(path)) == repr(before + after)


def test_a_record_shorter_than_its_checkpoint_says_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    size = written(path, [{"step": 1}])
    with pytest.raises(InputError, match="shorter than its run's checkpoint says"):
        MetricsLog(path, size + 1)
    assert read_rows(path) == [{"step": 1}]


def test_a_last_line_that_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1}\n{"step": 2, "lo')
    assert read_rows(path) == [{"step": 1}]


@pytest.mark.parametrize("content", [f'{{"step": 1}}\n{line}\n' for line in NO_ROWS] + [None])
def test_what_is_no_record_is_one_clear_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "metrics.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"cannot read the record .*metrics\.jsonl: "):
        read_rows(path)


def test_an_unwritable_place_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot write .*metrics\.jsonl: "):
        MetricsLog(tmp_path / "file" / "metrics.jsonl")


def test_a_full_disk_is_one_clear_line_and_leaves_whole_rows(tmp_path: Path) -> None:
    script = """
import resource, signal, sys
from pathlib import Path
from engine.runs.metrics_log import MetricsLog
from utils.errors import RunError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with MetricsLog(Path(sys.argv[1])) as record:
        for step in range(1000):
            record.append({"step": step})
except RunError as error:
    print(error)
"""
    path = tmp_path / "metrics.jsonl"
    done = subprocess.run([sys.executable, "-B", "-c", script, path], capture_output=True, text=True)
    assert done.stderr == ""
    reason = "(No space left on device|File too large)"  # by how much of the last row fitted
    assert re.fullmatch(f"cannot write {path}: {reason}; free some space.*\n", done.stdout)
    assert path.read_text().endswith("}\n")
    rows = read_rows(path)
    assert [json.dumps(row) for row in rows] == [f'{{"step": {step}}}' for step in range(len(rows))]
