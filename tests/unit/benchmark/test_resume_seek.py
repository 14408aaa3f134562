"""The benchmark of resuming takes the steps that it times; how long they take is no matter for a test."""

import os
import re
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[3] / "tools/benchmark/resume_seek.py"


def test_a_table_of_both_kinds_of_data_is_printed() -> None:
    command = [sys.executable, str(PROGRAM), "--step", "1000", "--examples", "200", "--repeats", "1"]
    environment = {**os.environ, "PYTHONPATH": str(PROGRAM.parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "| data | from step 10 | from step 1,000 |" in done.stdout
    rows = re.findall(r"^\| (in memory|through a DataLoader) \| [\d.]+ s \| [\d.]+ s \|$", done.stdout, re.MULTILINE)
    assert rows == ["in memory", "through a DataLoader"]
