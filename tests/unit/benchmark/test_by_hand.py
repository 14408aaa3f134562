"""The benchmark of the hand-written network trains both networks; how fast they are is no matter for a test."""

import os
import re
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[3] / "tools/benchmark/mlp_by_hand.py"


def test_a_row_for_each_network_and_optimizer_is_printed() -> None:
    command = [sys.executable, str(PROGRAM), "--rounds", "1", "--steps", "100"]
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode in (0, 1), done.stderr
    rows = re.findall(r"^\| [\d-]+ \| \d+ \| (\w+) \| [\d,]+ µs \| [\d,]+ µs \| [\d.]+ \|$", done.stdout, re.MULTILINE)
    assert rows == ["sgd", "momentum", "adam"] * 3
