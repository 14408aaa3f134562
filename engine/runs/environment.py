"""What a run was made with: enough to explain a number, or to make it again."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import torch

from engine.runs.provenance import Variable
from utils.ranks import world_size

_DISTRIBUTION = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+)\.dist-info")


def snapshot(device: torch.device, folder: Path) -> dict[str, Any]:
    """Versions, hardware, command line and the state of the code in `folder`, as plain data."""
    return {
        "command": [sys.executable, *sys.argv],
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": _packages(),
        "hardware": {
            "device": str(device),
            "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
            "cpu": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
        },
        "processes": world_size(),
        "environment": {name: os.environ[name] for name in get_args(Variable) if name in os.environ},
        "git": git_state(folder),
    }


def _packages() -> dict[str, str]:
    """Installed versions, read from folder names: opening each package's metadata would cost a tenth of a second."""
    found: dict[str, str] = {}
    for entry in sys.path:
        if Path(entry).is_dir():
            for name in os.listdir(entry or "."):  # "" is the current folder
                if match := _DISTRIBUTION.fullmatch(name):
                    found.setdefault(match["name"], match["version"])
    return dict(sorted(found.items()))


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit, and what the working tree changes against it; None outside a repository or without git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    untracked = _git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", ":/") or ""
    return {"commit": commit.strip(), "diff": _git(folder, "diff", "HEAD"), "untracked": untracked.splitlines()}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, errors="replace", timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
