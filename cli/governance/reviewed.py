"""docs/governance/reviewed.yaml: what a person says of the packages, since no metadata does."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field

from cli.governance.lock import Package
from cli.governance.text import read_text
from utils.errors import InputError
from utils.schema import Strict, validate

FILE = "docs/governance/reviewed.yaml"
Text = Annotated[str, Field(min_length=1)]
Kind = Literal["permissive", "weak copyleft", "strong copyleft", "proprietary"]


class Reading(Strict):
    """A licence that somebody looked up."""

    spdx: Text
    seen: Text
    """Where it is written."""


class Reviewed(Strict):
    """All of it, by the names of packages."""

    purposes: dict[str, Text]
    """What we need it for; asked for each package that a list names."""
    licences: dict[str, Reading]
    """Packages whose metadata is not asked: it names no licence, or the package is large; a name may end with `*`."""
    kinds: dict[Kind, tuple[Text, ...]]
    """What a licence allows, as metadata and `licences` write it."""
    accepted: dict[str, Text]
    """Why a licence that is not open or not known is no obstacle; a name may end with `*`."""

    def reading(self, name: str) -> Reading | None:
        """The licence of the package `name`, where somebody looked it up."""
        exact = self.licences.get(name)
        return exact or next((found for pattern, found in self.licences.items() if fnmatchcase(name, pattern)), None)

    def licence(self, package: Package) -> str:
        """The licence of `package`: as it was looked up, or else as its metadata has it."""
        reading = self.reading(package.name)
        return reading.spdx if reading else package.declared

    def kind(self, package: Package) -> Kind | Literal["unknown"]:
        """What the licence of `package` allows."""
        licence = self.licence(package)
        return next((kind for kind, licences in self.kinds.items() if licence in licences), "unknown")

    def reason(self, package: Package) -> str | None:
        """Why its licence is no obstacle, where somebody has said so."""
        return next((why for name, why in self.accepted.items() if fnmatchcase(package.name, name)), None)

    def problems(self, packages: tuple[Package, ...], direct: set[str]) -> list[str]:
        """What is still to be written down."""
        said = []
        for package in packages:
            licence, kind = self.licence(package), self.kind(package)
            if self.reason(package) is None and kind not in ("permissive", "weak copyleft"):
                said.append(
                    f"{package.name} {package.version} has the licence '{licence or 'none'}' ({kind}): "
                    f"look it up and add it to kinds, licences or accepted in {FILE}"
                )
        said += [
            f"{name} is in a list of packages: say in purposes of {FILE} what for"
            for name in sorted(direct)
            if name not in self.purposes
        ]
        return sorted(set(said))


def read(root: Path) -> Reviewed:
    """The file of the repository at `root`.

    Raises:
        InputError: It is missing or malformed.
    """
    path = root / FILE
    try:
        raw = yaml.safe_load(read_text(path))
    except yaml.YAMLError as error:
        raise InputError(f"cannot read {path}: {' '.join(str(error).split())}") from None
    return validate(Reviewed, raw, str(path))
