"""What a run was made with: enough to explain a number, or to make it again."""

import logging
import os
import platform
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import torch

from engine.runs.provenance import Variable
from utils.ranks import world_size

log = logging.getLogger(__name__)

_PLAIN_DIFF = (
    *("--no-ext-diff", "--no-textconv", "--no-color", "--no-relative", "--find-renames", "--submodule=short"),
    *("--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--inter-hunk-context=0", "--diff-algorithm=myers"),
    *("--indent-heuristic", f"-O{os.devnull}"),
)
"""git's own choices, whatever the user's settings say."""
_SETTINGS = {
    "color.ui": "false",
    "core.abbrev": "auto",
    "core.excludesFile": os.devnull,
    "core.attributesFile": os.devnull,
    "core.fsmonitor": "false",  # a program that a repository may name
    "diff.suppressBlankEmpty": "false",
}
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
        with suppress(OSError):  # none, a zip file, or a folder that this user may not read
            for name in os.listdir(entry or "."):  # "" is the current folder
                if match := _DISTRIBUTION.fullmatch(name):
                    found.setdefault(match["name"], match["version"])
    return dict(sorted(found.items()))


def git_state(folder: Path) -> dict[str, Any] | None:
    """The commit, and what the working tree changes against it; None outside a repository.

    What git does not tell, since it is not installed, or the repository is another owner's or damaged, is `unread`.
    """
    if not any(os.path.lexists(parent / ".git") for parent in (folder.resolve(), *folder.resolve().parents)):
        return None
    try:
        commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}") or None
        if commit is None:
            return None  # nothing is committed yet
        diff = _git(folder, "diff", "HEAD", *_PLAIN_DIFF)
        untracked = _git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/")
    except _Unread as reason:
        log.warning("the state of the code is not recorded: %s", reason)
        return {"unread": str(reason)}
    return {"commit": commit.strip(), "diff": diff, "untracked": [name for name in untracked.split("\0") if name]}


class _Unread(Exception):
    """Why git does not tell, in its own words."""


def _git(folder: Path, *arguments: str) -> str:
    """What git prints: the same whatever the user prefers to see, and whatever `GIT_DIR` and its like say.

    Settings that say how files are stored and whom to trust hold: `core.autocrlf`, filters, `safe.directory`.
    """
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    env |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    command = ["git", "--no-pager", *settings, "-C", str(folder), *arguments]
    text: dict[str, Any] = {"encoding": "utf-8", "errors": "replace"}
    try:
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, **text)
    except OSError as error:
        raise _Unread(f"git cannot be started ({error.strerror})") from None
    except subprocess.TimeoutExpired:
        raise _Unread("git takes too long") from None
    if done.returncode == 0 or (done.returncode == 1 and not done.stderr):  # `--quiet`: there is no such commit
        return done.stdout
    said = next(iter(done.stderr.splitlines()), f"git exits with {done.returncode}")
    raise _Unread(f"{said.removeprefix('fatal: ')} (git {arguments[0]})")
