"""What the lists of packages lead to, asked of the package index: uv resolves, pip reads the metadata."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cli.governance.environments import Environment, normal
from cli.governance.licences import declared
from cli.governance.lock import Lock, Package
from project.installer import find_uv, reason
from utils.errors import RunError
from utils.terminal.environment import environment as own_environment
from utils.terminal.environment import uv_environment

# The lists are resolved for one platform, whatever the machine, with what the index has and no local builds.
PYTHON, PLATFORM = "3.11", "x86_64-manylinux_2_36"  # Debian 12, and what is newer
LOCAL = ("UV_FIND_LINKS", "UV_TORCH_BACKEND", "UV_PYTHON")
LINE = re.compile(r"^([a-z0-9-]+)==([^\s;+]+)[^#]*(?:# via (.*))?$")


def resolve(root: Path, environments: Sequence[Environment], python: Path, former: Lock) -> list[Package]:
    """The packages of all `environments`.

    Args:
        root: The repository.
        environments: What to resolve.
        python: An interpreter with pip, which reads the metadata.
        former: Packages keep the versions that they have here, as far as the lists allow.

    Raises:
        RunError: The index cannot be reached, or a list contradicts itself.
    """
    anywhere = {package.name: package.version for package in former.packages}
    inside: dict[tuple[str, str], set[str]] = {}
    needed_by: dict[tuple[str, str], set[str]] = {}
    for environment in environments:
        for name, version, via in _compile(root, environment, anywhere | former.pins(environment.name)):
            inside.setdefault((name, version), set()).add(environment.name)
            needed_by.setdefault((name, version), set()).update(via)
    known = {(package.name, package.version): package.declared for package in former.packages}
    for each in one_version_each(sorted(inside.keys() - known.keys())):
        known |= _licences(python, each)
    return [
        Package(
            name=name,
            version=version,
            declared=known[name, version],
            needed_by=tuple(sorted(needed_by[name, version])),
            environments=tuple(e.name for e in environments if e.name in inside[name, version]),
        )
        for name, version in sorted(inside)
    ]


def one_version_each(packages: Iterable[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """`packages`, in lists that pip takes: it wants a package only once."""
    versions: dict[str, list[str]] = {}
    for name, version in packages:
        versions.setdefault(name, []).append(version)
    most = max(map(len, versions.values()), default=0)
    return [[(name, found[n]) for name, found in versions.items() if n < len(found)] for n in range(most)]


def start(command: Sequence[str], folder: str) -> subprocess.CompletedProcess[str]:
    """Run `command` in `folder` with this machine's package index and none of its local builds."""
    env = {name: value for name, value in uv_environment(own_environment()).items() if name not in LOCAL}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def _compile(root: Path, environment: Environment, keep: Mapping[str, str]) -> list[tuple[str, str, list[str]]]:
    """Name, version, and the packages that bring it."""
    uv = find_uv(root)
    if uv is None:
        raise RunError("uv resolves the lists of packages and is not to be had here; install it, or go where it is")
    command = [uv, "pip", "compile", "--quiet", "--no-config", "--no-header", "--annotation-style", "line"]
    command += ["--python-version", PYTHON, "--python-platform", PLATFORM, "--output-file", "pins.txt", "asked.in"]
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder, "pins.txt")  # uv reads it first: the versions to keep
        pins.write_text("".join(f"{name}=={version}\n" for name, version in keep.items()))
        Path(folder, "asked.in").write_text("".join(f"{line}\n" for line in environment.requirements))
        _ask(command, folder, f"resolving {environment.name}")
        return [_pin(line, environment) for line in pins.read_text().splitlines()]


def _pin(line: str, environment: Environment) -> tuple[str, str, list[str]]:
    found = LINE.match(line)
    if found is None:
        raise RunError(f"resolving {environment.name}: '{line}' is no version of a package of the index")
    name, version, via = found.groups()
    return name, version, [other for other in (via or "").split(", ") if other and not other.startswith("-r ")]


def _licences(python: Path, packages: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What the metadata on the index declares for each."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
    command += ["--ignore-requires-python", "--no-input", "--report", "-", "-r", "all.txt"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "all.txt").write_text("".join(f"{name}=={version}\n" for name, version in packages))
        report = json.loads(_ask(command, folder, "reading what the packages say of themselves"))
    told = {normal(each["metadata"]["name"]): declared(each["metadata"]) for each in report["install"]}
    return {(name, version): told[name] for name, version in packages}


def _ask(command: Sequence[str], folder: str, doing: str) -> str:
    """What `command` prints.

    Raises:
        RunError: It failed.
    """
    done = start(command, folder)
    if done.returncode != 0:
        raise RunError(f"{doing} failed: {reason(done.stderr)}; check the network and the package index")
    return done.stdout
