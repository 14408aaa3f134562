"""Environments of programs that are tested and not imported."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from utils.terminal.environment import environment, uv_environment

ROOT = Path(__file__).resolve().parents[2]


def tool_environment(name: str, requirements: Path) -> Path:
    """The folder `bin` of an environment that holds `requirements`, kept as `build/NAME`."""
    folder = ROOT / "build" / name
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != requirements.read_text(encoding="utf-8"):
        uv = shutil.which("uv") or str(ROOT / ".venv/bin/uv")
        if not Path(uv).exists():
            pytest.skip(f"there is no uv to install {requirements} with")
        env = uv_environment(environment())
        for command in (
            [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder],
            [uv, "pip", "install", "--quiet", "--python", folder / "bin/python", "-r", requirements],
        ):
            subprocess.run(command, env=env, check=True, timeout=200)
        stamp.write_text(requirements.read_text(encoding="utf-8"))
    return folder / "bin"
