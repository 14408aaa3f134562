"""What the log says before a training starts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.config import ExperimentConfig
from engine.run_header import expected_time
from engine.runs.run import Options, Run


@pytest.fixture
def run(experiment: Callable[..., ExperimentConfig], tmp_path: Path) -> Run:
    return Run(tmp_path, experiment(), tmp_path / "outputs", Options())


def test_the_expected_time_is_scaled_by_the_steps_that_are_left(run: Run) -> None:
    result = {"run_seconds": 4.0, "run_steps": 200, "machine": "Linux, x86_64, 2 cores"}
    (run.chapter / "results.json").write_text(json.dumps({"small": result}), encoding="utf-8")
    assert "about 1.0 s" in str(expected_time(run, 50))


@pytest.mark.parametrize(
    "content", [None, "{", "{}", '{"small": {"run_seconds": 1.0}}', '{"small": 3}', '{"small": null}']
)
def test_without_results_there_is_none(run: Run, content: str | None) -> None:
    if content is not None:
        (run.chapter / "results.json").write_text(content, encoding="utf-8")
    assert expected_time(run, 50) is None
