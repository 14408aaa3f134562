"""The lists of packages agree with each other and with what pyproject.toml accepts."""

import tomllib
from collections import defaultdict
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]


def pins(path: Path) -> dict[str, str]:
    """Package to version; a line that is neither a pin nor `-e` is an error."""
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    requirements = [Requirement(line) for line in lines if line and not line.startswith("-e ")]
    for requirement in requirements:
        assert str(requirement.specifier).startswith("=="), f"{path}: {requirement} is not an exact version"
    return {requirement.name: str(requirement.specifier)[2:] for requirement in requirements}


def ranges() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    return {requirement.name: requirement for requirement in map(Requirement, project["dependencies"] + extras)}


def test_the_roots_lists_pin_a_package_to_one_version() -> None:
    versions = defaultdict(set)
    for name in (
        "cli/requirements.txt",
        "cli/requirements-sweep.txt",
        "cli/requirements-new.txt",
        "cli/requirements-audit.txt",
        "tests/requirements.txt",
        "requirements-dev.txt",
    ):
        for package, version in pins(ROOT / name).items():
            versions[package].add(version)
    assert {package: found for package, found in versions.items() if len(found) > 1} == {}


def test_the_shared_packages_are_tested_with_all_they_depend_on() -> None:
    assert pins(ROOT / "tests/requirements.txt").keys() >= ranges().keys()


def test_every_pin_lies_in_the_range_that_the_shared_packages_accept() -> None:
    accepted = ranges()
    for path in [
        ROOT / "tests/requirements.txt",
        ROOT / "cli/requirements.txt",
        ROOT / "cli/requirements-sweep.txt",
        ROOT / "cli/requirements-new.txt",
        *ROOT.glob("models/*/requirements.txt"),
    ]:
        for package, version in pins(path).items():
            if package in accepted:
                assert accepted[package].specifier.contains(version), f"{path}: {package} {version}"


def test_every_chapter_ends_with_the_shared_packages() -> None:
    for path in [*ROOT.glob("models/*/requirements.txt"), *ROOT.glob("template/*/requirements.txt")]:
        assert path.read_text().splitlines()[-1] == "-e ../..", path


def test_a_new_chapter_starts_with_the_versions_that_the_shared_packages_are_tested_with() -> None:
    (template,) = ROOT.glob("template/*/requirements.txt")
    assert pins(template).items() <= pins(ROOT / "tests/requirements.txt").items()
