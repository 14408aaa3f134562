"""docs/governance/packages.json: which packages the lists lead to, and what is known of each. Written, never edited."""

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from cli.governance.environments import Environment
from utils.errors import InputError
from utils.files import write_atomic
from utils.schema import Strict

FILE = "docs/governance/packages.json"


class Package(Strict):
    """One version of a package, as an environment holds it."""

    name: str
    version: str
    declared: str
    """The licence in the words of its metadata; empty where that has none, or a person looked it up."""
    needed_by: tuple[str, ...]
    """Packages that bring it; empty where only our own lists name it."""
    environments: tuple[str, ...]


class Advisory(Strict):
    """A known vulnerability."""

    package: str
    version: str
    id: str
    fixed_in: tuple[str, ...]


class Audit(Strict):
    """What came of asking for known vulnerabilities."""

    date: str
    asked: tuple[str, ...]
    """`name==version` of those that an answer came for."""
    advisories: tuple[Advisory, ...]
    reason: str
    """Why there is no answer for the others; empty where there are none."""


class Lock(Strict):
    """All of it."""

    environments: dict[str, tuple[str, ...]]
    """Name to what its lists asked for when it was resolved."""
    packages: tuple[Package, ...]
    audit: Audit

    def holds(self, environment: Environment) -> bool:
        """Whether it was made from the list as it is now."""
        return self.environments.get(environment.name) == environment.requirements


NONE = Lock(environments={}, packages=(), audit=Audit(date="", asked=(), advisories=(), reason=""))


def read(root: Path) -> Lock:
    """The lock of the repository at `root`, or an empty one.

    Raises:
        InputError: The file was edited, or is of another version of this program.
    """
    path = root / FILE
    if not path.exists():
        return NONE
    try:
        return Lock.model_validate_json(path.read_bytes())
    except ValidationError:
        raise InputError(f"{path} is not what `./scratch governance` writes; delete it and write it anew") from None


def write(root: Path, lock: Lock) -> None:
    """Put `lock` where `read` finds it, a line for each package."""
    plain = lock.model_dump(mode="json")
    sections = {
        "environments": _block("{}", (f"{json.dumps(k)}: {json.dumps(v)}" for k, v in plain["environments"].items())),
        "packages": _block("[]", map(json.dumps, plain["packages"])),
        "audit": json.dumps(plain["audit"]),
    }
    write_atomic(root / FILE, _block("{}", (f"{json.dumps(name)}: {text}" for name, text in sections.items())) + "\n")


def _block(brackets: str, lines: Iterable[str]) -> str:
    return f"{brackets[0]}\n" + ",\n".join(lines) + f"\n{brackets[1]}"
