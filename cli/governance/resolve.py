"""What the lists of packages lead to, with the hash of every file: `uv pip compile --generate-hashes`."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from cli.governance.environments import Environment
from cli.governance.lock import Package
from cli.governance.programs import PLATFORM, PYTHON, ask, uv
from utils.errors import RunError

LINE = re.compile(r"^([a-z0-9-]+)==([^\s;+]+)([^#]*)(?:# via (.*))?$")


class Pin(NamedTuple):
    """One package as uv writes it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    """Of every file that the index has of this version, such as `sha256:0123…`."""
    needed_by: tuple[str, ...]
    """Packages that bring it."""


class Resolved(NamedTuple):
    """What all environments lead to."""

    packages: list[Package]
    """Without their licences."""
    hashes: dict[str, tuple[str, ...]]
    """By `name==version`."""


def resolve(root: Path, environments: Sequence[Environment], keep: Sequence[Package]) -> Resolved:
    """Resolve each of `environments` for itself.

    Args:
        root: The repository.
        environments: What to resolve.
        keep: Packages that keep the versions they have here, as far as the lists allow.

    Raises:
        RunError: The index cannot be reached, or a list contradicts itself.
    """
    anywhere = {package.name: package.version for package in keep}
    inside: dict[tuple[str, str], list[str]] = {}
    needed_by: dict[tuple[str, str], set[str]] = {}
    hashes: dict[str, tuple[str, ...]] = {}
    for environment in environments:
        here = {package.name: package.version for package in keep if environment.name in package.environments}
        for pin in _compile(root, environment, anywhere | here):
            inside.setdefault(pin[:2], []).append(environment.name)
            needed_by.setdefault(pin[:2], set()).update(pin.needed_by)
            hashes[f"{pin.name}=={pin.version}"] = pin.hashes
    packages = [
        Package(
            name=name,
            version=version,
            declared="",
            needed_by=tuple(sorted(needed_by[name, version])),
            environments=tuple(inside[name, version]),
        )
        for name, version in sorted(inside)
    ]
    return Resolved(packages, hashes)


def pins(text: str, doing: str) -> list[Pin]:
    """The packages in a file that uv wrote, with annotations in one line.

    Raises:
        RunError: A line is no version of a package of the index.
    """
    lines = text.replace("\\\n", " ").replace("\n    # via", " # via").splitlines()
    return [_pin(line, doing) for line in lines if not line.startswith("#")]


def _compile(root: Path, environment: Environment, keep: Mapping[str, str]) -> list[Pin]:
    command = [uv(root), "pip", "compile", "--quiet", "--no-config", "--no-header", "--generate-hashes"]
    command += ["--annotation-style", "line", "--python-version", PYTHON, "--python-platform", PLATFORM]
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "pins.txt")  # uv reads it first: the versions to keep
        kept.write_text("".join(f"{name}=={version}\n" for name, version in keep.items()), encoding="utf-8")
        Path(folder, "asked.in").write_text("".join(f"{line}\n" for line in environment.requirements), encoding="utf-8")
        ask([*command, "--output-file", "pins.txt", "asked.in"], folder, f"resolving {environment.name}")
        return pins(kept.read_text(encoding="utf-8"), f"resolving {environment.name}")


def _pin(line: str, doing: str) -> Pin:
    found = LINE.match(line)
    if found is None:
        raise RunError(f"{doing}: '{line.strip()}' is no version of a package of the index")
    name, version, rest, via = found.groups()
    others = (other for other in (via or "").split(", ") if other and not other.startswith("-r "))
    return Pin(name, version, tuple(re.findall(r"--hash=(\S+)", rest)), tuple(others))
