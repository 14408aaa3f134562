"""Registered models on MLflow: their versions, which of them an alias names, and the bundles.

Needs `mlflow-skinny` alone for a server, `mlflow` for a database; neither torch nor a chapter.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from deployment.registry.failures import explained, if_there
from deployment.registry.manifest import MANIFEST, listed, verify
from deployment.registry.uri import chosen, opening, shown
from engine.tracking.mlflow_client import connect
from utils.errors import InputError, RunError, did_you_mean, unknown
from utils.files import cannot_write

ALIASES = ("dev", "staging", "prod", "archived")
DIGEST = "bundle"
"""The tag of a version that has its bundle's digest."""
FOLDER = "bundle"
"""Of the bundle, among the artifacts of its run."""
_DIGITS = 9  # no database numbers more versions


class Version(NamedTuple):
    """One version of a registered model."""

    name: str
    """Of the model: the chapter's folder name."""
    number: int
    """Counted from 1."""
    digest: str
    """SHA-256 of the bundle's manifest: two versions with the same digest are the same files."""
    aliases: tuple[str, ...]
    tags: Mapping[str, str]
    created: float
    """Seconds since 1970."""
    run: str
    """MLflow's id of the run that keeps the bundle."""

    def __str__(self) -> str:
        return f"{self.name} version {self.number}"


class Registry:
    """A model registry.

    Args:
        uri: `sqlite:///FILE`, or the address of an MLflow server; None for MLFLOW_TRACKING_URI, else the clone's own.
        create: Whether to make the database where there is none.

    Raises:
        InputError: The address is none, or there is no registry.
        RunError: MLflow is not installed, or the database cannot be used.
    """

    def __init__(self, uri: str | None = None, create: bool = False) -> None:
        self.uri = chosen(uri)
        with opening(self.uri, create), explained(self.uri):
            self.client: Any = connect(self.uri)

    def names(self) -> list[str]:
        """The registered models, by name."""
        with explained(self.uri):
            return sorted(model.name for model in _pages(self.client.search_registered_models))

    def versions(self, name: str) -> list[Version]:
        """All versions of a model, oldest first.

        Raises:
            InputError: There is no such model.
        """
        aliases = self.aliases(name)
        with explained(self.uri):
            found = _pages(self.client.search_model_versions, filter_string=f"name = '{name}'")
            versions = [version_of(each) for each in found]
        held = [
            version._replace(aliases=tuple(alias for alias in ALIASES if aliases.get(alias) == version.number))
            for version in versions
        ]
        return sorted(held, key=lambda version: version.number)

    def aliases(self, name: str) -> dict[str, int]:
        """Alias to the number of the version that it names.

        Raises:
            InputError: There is no such model.
        """
        with explained(self.uri):
            model = if_there(lambda: self.client.get_registered_model(name))
        if model is None:
            raise InputError(f"no model '{name}' is registered{did_you_mean(name, self.names())}; at {shown(self.uri)}")
        return {alias: int(number) for alias, number in model.aliases.items()}

    def resolve(self, name: str, which: str) -> Version:
        """The version of a model that has an alias, or a number; one question, cheap enough to ask every second.

        Args:
            name: The model: a chapter's folder name.
            which: One of `ALIASES`, or a version's number.

        Raises:
            InputError: There is no such model, alias or version.
            RunError: The registry cannot be reached.
        """
        if not which.isdecimal() and which not in ALIASES:
            raise unknown("alias", which, ALIASES)
        with explained(self.uri):
            found = if_there(lambda: self._found(name, which))
        if found is not None:
            return version_of(found)
        there = self.versions(name)  # complains where there is no such model
        if which.isdecimal():
            raise InputError(f"{name} has no version {which[:40]}; it has {', '.join(str(v.number) for v in there)}")
        named = ", ".join(f"{alias} ({v.number})" for v in there for alias in v.aliases) or "none"
        raise InputError(f"no version of {name} is {which}; its aliases: {named}")

    def _found(self, name: str, which: str) -> Any:
        if not which.isdecimal():
            return self.client.get_model_version_by_alias(name, which)
        return self.client.get_model_version(name, which) if len(which) <= _DIGITS else None

    def fetch(self, version: Version, into: Path) -> Path:
        """Put a version's bundle into the folder `into`, every file verified; nothing is done where it is there.

        Returns:
            `into`.

        Raises:
            InputError: The folder holds something else, or is none.
            RunError: The registry cannot be reached, the bundle was tampered with, or the disk is full.
        """
        where = f"the bundle of {version}"
        for path in (into, *into.parents):
            if os.path.exists(path) and not os.path.isdir(path):
                raise InputError(f"{path} is no folder; choose another place for {where}")
        if into.is_dir() and any(into.iterdir()):
            with suppress(RunError):
                verify(into, version.digest, where)
                return into
            raise InputError(f"{into} is not {where}, and not empty; choose another folder")
        try:
            into.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=into.parent, prefix=f".{into.name}.") as temporary:
                whole = Path(temporary, FOLDER)
                whole.mkdir()
                self._download(version, whole, where)
                whole.replace(into)
        except OSError as error:
            if into.is_dir() and any(into.iterdir()):  # someone else was faster
                return self.fetch(version, into)
            raise cannot_write(into, error) from error
        return into

    def _download(self, version: Version, into: Path, where: str) -> None:
        """File by file, as the manifest has them: what else a server may list is not looked at."""
        self._file(version, MANIFEST, into)
        for name in listed(into / MANIFEST, version.digest, where):
            self._file(version, name, into)
        verify(into, version.digest, where)

    def _file(self, version: Version, name: str, into: Path) -> None:
        with explained(self.uri), tempfile.TemporaryDirectory(dir=into.parent) as temporary:
            try:
                got = Path(self.client.download_artifacts(version.run, f"{FOLDER}/{name}", temporary))
            except Exception:
                self._expect_room(version, name, Path(temporary, "room"))
                raise
            got.replace(into / name)

    def _expect_room(self, version: Version, name: str, path: Path) -> None:
        """Raise the system's error where `path` has no room for a file; MLflow does not say that the disk is full."""
        sizes = {Path(each.path).name: each.file_size for each in self.client.list_artifacts(version.run, FOLDER)}
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, sizes.get(name) or 0))


def version_of(found: Any) -> Version:
    """MLflow's model version as ours."""
    aliases = tuple(alias for alias in ALIASES if alias in found.aliases)
    created = found.creation_timestamp / 1000
    digest = found.tags.get(DIGEST, "")
    return Version(found.name, int(found.version), digest, aliases, found.tags, created, found.run_id or "")


def _pages(search: Callable[..., Any], **arguments: str) -> Iterator[Any]:
    """Everything that a search finds, page after page."""
    page = search(**arguments)
    yield from page
    while page.token:
        page = search(page_token=page.token, **arguments)
        yield from page
