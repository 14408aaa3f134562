"""The keys that clients show."""

import hmac
import os
from collections.abc import Iterable
from pathlib import Path

from utils.errors import InputError

VARIABLE = "SCRATCH_API_KEY"
_SHORTEST = 16
_KEPT = ("/v1/", "/metrics")


class Keys:
    """Keys of which a request must have one, as `Authorization: Bearer KEY`.

    Args:
        keys: Any of them will do.

    Raises:
        InputError: There is none, or one is too short or cannot be sent in a header.
    """

    def __init__(self, keys: Iterable[str]) -> None:
        given = list(keys)
        if not given:
            raise InputError("there is no API key where one is wanted; put one on a line of the file")
        for key in given:
            if len(key) < _SHORTEST or not key.isascii() or not key.isprintable() or " " in key:
                raise InputError(f"an API key has at least {_SHORTEST} letters, digits or signs without spaces")
        self._keys = [key.encode() for key in given]

    def allow(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request with `headers` has one of the keys; takes as long for a wrong one as for a right one."""
        given = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, key = given.partition(b" ")
        matches = [hmac.compare_digest(key.strip(), known) for known in self._keys]
        return scheme.lower() == b"bearer" and any(matches)


def needs_key(path: str) -> bool:
    """Whether what is at `path` is only for clients with a key, where there are keys."""
    return path.startswith(_KEPT)


def read_keys(file: Path | None) -> Keys | None:
    """The keys in `file`, one a line, or else the one in the environment; None where there is neither.

    Raises:
        InputError: The file cannot be read, or a key will not do.
    """
    if file is None:
        return Keys([os.environ[VARIABLE]]) if VARIABLE in os.environ else None
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the API keys in {file}: {error}") from None
    return Keys(line.strip() for line in lines if line.strip())
