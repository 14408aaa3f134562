"""`scratch doctor`."""

import json
import netrc
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlparse

import click

from project.chapters import Project
from project.installer import find_uv
from utils.terminal.environment import environment

GIGABYTE = 1e9
NEEDED = 3 * GIGABYTE  # an environment with torch, and what its installation leaves in the cache
ASK_TORCH = (
    "import json, torch; print(json.dumps({"
    "'version': torch.__version__,"
    "'gpu': torch.cuda.get_device_name() if torch.cuda.is_available() else"
    " 'Apple (MPS)' if torch.backends.mps.is_available() else None}))"
)


class Finding(NamedTuple):
    """One line of the report."""

    subject: str
    fine: bool
    text: str
    """How it is; where it is not fine, what to do."""
    blocks: bool = False
    """Nothing works until it is mended."""


@click.command("doctor")
@click.pass_obj
def command(project: Project) -> int:
    """Check that everything the project needs is there: each line says fine, or what to do."""
    findings = [_python(), _uv(project), *_torch(project), _wandb(), _disk(project), _mirror()]
    for finding in findings:
        click.echo(f"{'ok' if finding.fine else '->':<4}{finding.subject:<8}{finding.text}")
    return 1 if any(finding.blocks for finding in findings) else 0


def _python() -> Finding:
    return Finding("python", True, f"{platform.python_version()} ({sys.executable})")


def _uv(project: Project) -> Finding:
    uv = find_uv(project.root)
    if uv is None:
        return Finding("uv", False, "not there, so pip installs, slower; get it with: pip install uv")
    version = subprocess.run([uv, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return Finding("uv", True, f"{version[1] if len(version) > 1 else 'unknown version'} ({uv})")


def _torch(project: Project) -> list[Finding]:
    """Ask the torch of the first environment that has one; it is never imported here."""
    venvs = [project.venv(), *(project.venv(chapter) for chapter in project.chapters())]
    for venv in venvs:
        if next(venv.folder.glob("lib/python*/site-packages/torch"), None):
            return _torch_in(venv.python)
    missing = "not installed yet; `scratch demo` or `scratch setup 01` does it"
    return [Finding("torch", False, missing), Finding("gpu", True, "known once torch is installed")]


def _torch_in(python: Path) -> list[Finding]:
    answer = subprocess.run(
        [str(python), "-P", "-c", ASK_TORCH], capture_output=True, text=True, env=environment(), check=False
    )
    if answer.returncode != 0:
        reason = (answer.stderr.strip().splitlines() or ["no reason given"])[-1]
        return [Finding("torch", False, f"does not start: {reason}; delete {python.parents[1]} and try again")]
    facts: dict[str, Any] = json.loads(answer.stdout)
    gpu = facts["gpu"] or "none that torch can use; the CPU does the work"
    return [Finding("torch", True, f"{facts['version']} ({python})"), Finding("gpu", True, gpu)]


def _wandb() -> Finding:
    if os.environ.get("WANDB_API_KEY") or _has_wandb_login():
        return Finding("wandb", True, "logged in")
    hint = "not logged in, so runs stay on this machine; to send them: wandb login, in a chapter's environment"
    return Finding("wandb", False, hint)


def _has_wandb_login() -> bool:
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname or ""
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    try:
        return netrc.netrc(path).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _disk(project: Project) -> Finding:
    free = shutil.disk_usage(project.root).free
    text = f"{free / GIGABYTE:.0f} GB free"
    if not os.access(project.root, os.W_OK):
        return Finding("disk", False, f"{project.root} cannot be written; clone it to a folder of yours", blocks=True)
    if free < NEEDED:
        return Finding("disk", False, f"{text}; torch needs {NEEDED / GIGABYTE:.0f} GB: free some", blocks=True)
    return Finding("disk", True, text)


def _mirror() -> Finding:
    mirror = os.environ.get("SCRATCH_DATA_MIRROR")
    if not mirror:
        return Finding("mirror", True, "SCRATCH_DATA_MIRROR is not set: data comes from its authors' servers")
    if mirror.startswith(("http://", "https://")) or Path(mirror).expanduser().is_dir():
        return Finding("mirror", True, mirror)
    return Finding("mirror", False, f"SCRATCH_DATA_MIRROR is {mirror}, which is no folder; correct it or unset it")
