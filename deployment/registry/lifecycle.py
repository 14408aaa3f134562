"""What may happen to a version: how it is made, which alias may name it, and what is kept of each move."""

import getpass
import os
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from deployment.registry.client import ALIASES, Registry, Version
from deployment.registry.transactions import add, move
from engine.runs.environment import git_state
from utils.errors import InputError, RunError, unknown

JUDGED = ("staging", "prod")
"""The aliases for use by others: a version gets one only past the gates."""


def register(registry: Registry, chapter: Path, run: Path) -> Version:
    """Make a finished run the next version of its chapter's model.

    Args:
        registry: Where.
        chapter: The chapter's folder.
        run: The run's folder in `models/`.

    Raises:
        InputError: The run did not finish, kept no checkpoint, or cannot be asked.
        RunError: It cannot be exported, or the registry cannot be reached or written.
    """
    from deployment.registry.bundle import assemble  # torch and the chapter

    registry.names()  # nothing is exported for a server that does not answer
    with tempfile.TemporaryDirectory() as temporary:
        bundle = Path(temporary, "bundle")
        tags = assemble(chapter, run.parents[1], run.name, bundle)
        return add(registry, chapter.name, bundle, tags)


def promote(
    registry: Registry, chapter: Path, which: str, alias: str, new_signature: bool
) -> tuple[Version, list[str]]:
    """Let `alias` name a version of a chapter's model, if nothing speaks against it.

    Args:
        registry: Where.
        chapter: The chapter's folder.
        which: The version's number, or an alias that it has.
        alias: One of `ALIASES`.
        new_signature: Whether it may take and give something else than the version that the alias names now.

    Returns:
        The version as it was before, and the reasons against it; with any of them nothing was changed.

    Raises:
        InputError: There is no such model, version or alias.
        RunError: The registry cannot be reached or written.
    """
    if alias not in ALIASES:
        if alias.lower() == "latest":
            raise InputError(f"'latest' is reserved by MLflow and no alias of ours; known: {', '.join(ALIASES)}")
        raise unknown("alias", alias, ALIASES)
    version = registry.resolve(chapter.name, which)
    if alias in version.aliases:
        return version, []
    held = {each: v for v in registry.versions(chapter.name) for each in v.aliases}
    former = held.get(alias)
    reasons = _in_use(version) if alias == "archived" else _judged(registry, chapter, version, alias)
    before, now = (each.tags.get("signature") if each else None for each in (former, version))
    changed = alias in JUDGED and former is not None and before != now
    if changed and former is not None and not new_signature:
        said = f"its signature is {now}, that of version {former.number}, which {alias} names now, is {before}"
        reasons.append(f"{said}: those who ask {alias} may break; --new-signature allows it")
    if not reasons:
        code = git_state(chapter)
        record = {
            "at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "by": _who(),
            "from": former.number if former else None,
            "commit": code["commit"] if code else None,
            "uncommitted": bool(code and (code["diff"] or code["untracked"])),
            "new_signature": changed,
        }
        move(registry, alias, version, record)
    return version, reasons


def _in_use(version: Version) -> list[str]:
    used = [alias for alias in JUDGED if alias in version.aliases]
    return [f"it is {alias}: let another version be {alias} first" for alias in used]


def _judged(registry: Registry, chapter: Path, version: Version, alias: str) -> list[str]:
    """The bundle has to be whole for any alias, and to pass the gates for those in `JUDGED`."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            bundle = registry.fetch(version, Path(folder, "bundle"))
        except RunError as error:
            return [str(error)]
        if alias not in JUDGED:
            return []
        from deployment.registry.gates import reasons  # torch, the data and the chapter

        return reasons(chapter, bundle)


def _who() -> str:
    """The person: as CI knows them, else as the system does."""
    for variable in ("GITHUB_ACTOR", "CI_COMMIT_AUTHOR"):  # GitHub, Woodpecker
        if name := os.environ.get(variable):
            return name
    with suppress(KeyError, OSError):  # a container's user may have no name
        return getpass.getuser()
    return f"user {os.getuid()}"
