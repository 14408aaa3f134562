"""Licences, as pip-licenses reads them from the metadata of packages that are installed for the purpose."""

import json
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from cli.governance import reviewed
from cli.governance.environments import normal
from cli.governance.lock import Package
from cli.governance.programs import PYTHON, ask, one_version_each, uv

NONE = "UNKNOWN"
"""What pip-licenses writes where the metadata names no licence."""


def with_licences(root: Path, python: Path, packages: Sequence[Package], known: Sequence[Package]) -> list[Package]:
    """`packages` with what their metadata declares: as in `known`, since a version's metadata stays, or else read now.

    Args:
        root: The repository; what its reviewed.yaml has looked up is not read.
        python: An interpreter with pip-licenses.
        packages: Packages without licences.
        known: Packages with them.

    Raises:
        RunError: A package cannot be had.
    """
    looked_up = reviewed.read(root)
    licences = {(package.name, package.version): package.declared for package in known}
    wanted = [(package.name, package.version) for package in packages if looked_up.reading(package.name) is None]
    licences |= declared(root, python, [pin for pin in wanted if pin not in licences])
    return [
        package.model_copy(update={"declared": licences.get((package.name, package.version), "")})
        for package in packages
    ]


def declared(root: Path, python: Path, packages: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The licence of each of `packages`, in the words of its metadata; empty for none.

    They are installed without what they depend on, into an environment that is deleted afterwards. Where pip or uv are
    set to builds of this machine, such as torch's for the CPU, these are taken: their metadata says the same.

    Args:
        root: The repository.
        python: An interpreter with pip-licenses.
        packages: Name and version of each.

    Raises:
        RunError: A package cannot be had.
    """
    told: dict[tuple[str, str], str] = {}
    for pins in one_version_each(packages):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "pins.txt").write_text(
                "".join(f"{name}=={version}\n" for name, version in pins), encoding="utf-8"
            )
            doing, there = "installing packages to read their licences", ".venv/bin/python"
            ask([uv(root), "venv", "--quiet", "--no-config", "--python", PYTHON, ".venv"], folder, doing)
            install = [uv(root), "pip", "install", "--quiet", "--no-config", "--no-deps", "--python", there]
            ask([*install, "-r", "pins.txt"], folder, doing, local_builds=True)
            command = [str(python), "-m", "piplicenses", "--python", there, "--with-system"]
            listed = ask([*command, "--from", "mixed", "--format", "json"], folder, "reading licences")
        licences = {normal(one["Name"]): one["License"].replace(NONE, "") for one in json.loads(listed)}
        told |= {(name, version): licences[name] for name, version in pins}
    return told
