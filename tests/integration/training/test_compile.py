"""torch.compile itself, on small networks."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "tests/doubles/compiled.py"), str(tmp_path_factory.mktemp("outputs"))]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_a_run_that_does_not_ask_for_the_compiler_does_not_load_it(found: dict[str, Any]) -> None:
    assert not found["imported unasked"]


def test_the_compiler_is_asked_to_be_deterministic(found: dict[str, Any]) -> None:
    assert found["deterministic"]


def test_several_steps_in_a_graph_end_where_single_steps_end(found: dict[str, Any]) -> None:
    (line,) = found["steps"]["lines"]
    assert "steps into one graph" in line
    assert found["steps"]["difference"] < 1e-5


def test_a_compiled_model_ends_where_the_plain_one_ends_dropout_included(found: dict[str, Any]) -> None:
    assert found["model"]["lines"] == []
    assert found["model"]["difference"] < 1e-5


def test_a_step_that_branches_on_a_value_is_trained_without_a_graph(found: dict[str, Any]) -> None:
    (line,) = found["branching"]["lines"]
    assert "trainer.compile=steps does not apply: " in line
    assert found["branching"]["difference"] == 0


def test_the_profile_of_a_compiled_model_counts_as_without_the_compiler_and_does_not_compile_the_counter(
    found: dict[str, Any],
) -> None:
    plain, compiled = found["profile"]["flops"]
    assert plain == compiled > 0
    names = found["profile"]["compiled"]
    assert "training_step" in names and "__torch_dispatch__" not in names
