"""Starting the programs that governance is built on: uv, pip-licenses, pip-audit, cyclonedx-py."""

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from project.installer import find_uv, reason
from utils.errors import RunError
from utils.terminal.environment import environment, uv_environment

# The lists are resolved for one platform, whatever the machine, with what the index has and no local builds.
PYTHON, PLATFORM = "3.11", "x86_64-manylinux_2_36"  # Debian 12, and what is newer
LOCAL = ("UV_FIND_LINKS", "UV_TORCH_BACKEND", "UV_PYTHON")


def uv(root: Path) -> str:
    """The uv of the machine or of the clone at `root`.

    Raises:
        RunError: There is none.
    """
    found = find_uv(root)
    if found is None:
        raise RunError("uv resolves the lists of packages and is not to be had here; install it, or go where it is")
    return str(found)


def start(command: Sequence[str], folder: str, local_builds: bool = False) -> subprocess.CompletedProcess[str]:
    """Run `command` in `folder` with this machine's package index, and with its local builds only where wanted."""
    env = uv_environment(environment())
    if not local_builds:
        env = {name: value for name, value in env.items() if name not in LOCAL}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def ask(command: Sequence[str], folder: str, doing: str, local_builds: bool = False) -> str:
    """What `command` prints.

    Raises:
        RunError: It failed.
    """
    done = start(command, folder, local_builds)
    if done.returncode != 0:
        raise RunError(f"{doing} failed: {reason(done.stderr)}; check the network and the package index")
    return done.stdout


def one_version_each(packages: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """`packages`, in lists that hold each name only once, as pip and uv want it."""
    versions: dict[str, list[str]] = {}
    for name, version in packages:
        versions.setdefault(name, []).append(version)
    most = max(map(len, versions.values()), default=0)
    return [[(name, found[n]) for name, found in versions.items() if n < len(found)] for n in range(most)]
