"""All pages together: what they should say, and whether they do."""

from collections.abc import Sequence
from pathlib import Path

from cli.governance import constraints, datasets, dependencies, reviewed
from cli.governance.elsewhere import elsewhere
from cli.governance.environments import Environment
from cli.governance.lock import Lock
from data_utils.cards import cards

WRITE = "`./scratch governance` writes it anew"


def pages(root: Path, environments: Sequence[Environment], lock: Lock, hashes: constraints.Hashes) -> dict[str, str]:
    """Path to what should stand there."""
    return {
        "docs/governance/datasets.md": datasets.page(cards().values()),
        "docs/governance/dependencies.md": dependencies.page(environments, lock, reviewed.read(root), elsewhere(root)),
        **constraints.files(lock, hashes),
    }


def untrue(root: Path, environments: Sequence[Environment], lock: Lock) -> list[str]:
    """What is no longer true, a line each, with what to do."""
    stale, hashes = outdated(environments, lock), constraints.written_hashes(root)
    said = [f"docs/governance/packages.json: {name} is asked for other packages by now; {WRITE}" for name in stale]
    if not stale:
        bare = constraints.without_hashes(lock, hashes)
        said += [f"{constraints.FOLDER}: {pin} has no hashes; {WRITE}" for pin in bare]
        for path, wanted in pages(root, environments, lock, hashes).items():
            file = root / path
            if not file.is_file() or file.read_bytes() != wanted.encode():
                said.append(f"{path} does not say what it is made from; {WRITE}")
    others = elsewhere(root)
    named = dependencies.direct(environments) | {each.name for each in others}
    return said + reviewed.read(root).problems((*lock.packages, *others), named)


def outdated(environments: Sequence[Environment], lock: Lock) -> list[str]:
    """Environments that the lock does not hold as they are now, and those that it should no longer hold."""
    gone = lock.environments.keys() - {environment.name for environment in environments}
    return [environment.name for environment in environments if not lock.holds(environment)] + sorted(gone)
