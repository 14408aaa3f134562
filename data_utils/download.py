"""Raw files: fetched once, checked on every use, and never present under their name unless they are right.

Sources are tried in order: `$SCRATCH_DATA_MIRROR` (a folder or URL laid out `<dataset>/<file>`), then the card's URLs.
One that cannot be reached or lacks the file is passed over; one that gives a wrong file ends the search, because a
wrong file is news.
"""

import hashlib
import os
import shutil
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from data_utils.cards import DatasetCard, DatasetFile
from data_utils.folders import raw_folder
from utils.errors import RunError
from utils.files import write_atomic

_TIMEOUT = (5, 30)  # seconds to connect, and between two packets
_CHUNK = 2**16


def fetch(card: DatasetCard) -> dict[str, Path]:
    """Make sure that every raw file of `card` is on disk and is the right one.

    Returns:
        File name to path; empty for a data set without files.

    Raises:
        RunError: A file cannot be had, is not what the card says, or cannot be written.
    """
    paths = {file.name: raw_folder(card.name) / file.name for file in card.files}
    for file in card.files:
        if paths[file.name].exists():
            _check_on_disk(card, file)
        else:
            _get(card, file, paths[file.name])
    return paths


def verify(card: DatasetCard) -> None:
    """Check that every raw file of `card` is on disk and is the right one, without fetching anything.

    Raises:
        RunError: One is missing, cut short or altered.
    """
    for file in card.files:
        path = raw_folder(card.name) / file.name
        if not path.exists():
            raise RunError(f"{path} is not there; run `scratch data get {card.name}`")
        _check_on_disk(card, file)


class _Unavailable(Exception):
    """A source that does not give the file; the message says why, in a few words."""


class _WrongFile(Exception):
    """A source that gives another file than the card describes; the message says in what it differs."""


class _Limited(BytesIO):
    """A file in memory that takes no more than the card says, however much a server sends."""

    def __init__(self, expected: DatasetFile) -> None:
        super().__init__()
        self._limit = expected.size

    def write(self, chunk: Any) -> int:
        size = self.tell() + len(chunk)
        if size > self._limit:
            raise _WrongFile(f"too long: {size} bytes or more, expected {self._limit}")
        return super().write(chunk)


def _fault(expected: DatasetFile, size: int, sha256: str) -> str | None:
    """What is wrong with a file of this size and hash, or None."""
    if size != expected.size:
        return f"{'cut short' if size < expected.size else 'too long'}: {size} bytes, expected {expected.size}"
    if sha256 != expected.sha256:
        return f"altered: sha256 {sha256}, expected {expected.sha256}"
    return None


def _check_on_disk(card: DatasetCard, file: DatasetFile) -> None:
    path = raw_folder(card.name) / file.name
    try:
        with path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        fault = _fault(file, path.stat().st_size, sha256)
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from error
    if fault:
        raise RunError(f"{path} is {fault}; delete it and run `scratch data get {card.name}`")


def _get(card: DatasetCard, file: DatasetFile, path: Path) -> None:
    mirror = os.environ.get("SCRATCH_DATA_MIRROR")
    sources = [f"{mirror.rstrip('/')}/{card.name}/{file.name}"] if mirror else []
    sources += [url + file.name for url in card.urls]
    failures: list[str] = []
    for source in sources:
        try:
            return _get_from(source, card, file, path)
        except _Unavailable as reason:
            failures.append(f"{source} ({reason})")
    raise RunError(
        f"cannot get {card.name}/{file.name} from {' or '.join(failures)}; connect to the network, or set "
        f"SCRATCH_DATA_MIRROR to a folder or URL that holds {card.name}/{file.name}"
    )


def _get_from(source: str, card: DatasetCard, file: DatasetFile, path: Path) -> None:
    content = _Limited(file)
    try:
        if source.startswith(("http://", "https://")):
            _download(source, content)
        else:
            _copy(Path(source).expanduser(), content)
        fault = _fault(file, content.tell(), hashlib.sha256(content.getbuffer()).hexdigest())
        if fault:
            raise _WrongFile(fault)
    except _WrongFile as wrong:
        raise RunError(
            f"{source} is {wrong}; nothing was kept; set SCRATCH_DATA_MIRROR to a folder or URL that holds "
            f"the right {card.name}/{file.name}"
        ) from None
    write_atomic(path, content.getbuffer())


def _copy(source: Path, target: _Limited) -> None:
    try:
        with source.open("rb") as content:
            shutil.copyfileobj(content, target, _CHUNK)
    except OSError as error:
        raise _Unavailable(str(error.strerror).lower()) from error


def _download(url: str, target: _Limited) -> None:
    import pooch
    import requests

    download = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), chunk_size=_CHUNK, timeout=_TIMEOUT)
    try:
        download(url, target, None)
    except requests.HTTPError as error:
        raise _Unavailable(str(error).split(" for url")[0]) from error
    except requests.Timeout as error:
        raise _Unavailable("no answer") from error
    except requests.RequestException as error:
        raise _Unavailable("no connection") from error
