"""What an error of MLflow, or of what it stands on, means to the user: one line."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from deployment.registry.uri import database, shown
from utils.errors import RunError, ScratchError

_LIBRARIES = ("mlflow", "requests", "urllib3", "sqlalchemy", "alembic", "sqlite3")
_NOT_THERE = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")  # the second for an alias, or for a strange name
_LONGEST = 200


@contextmanager
def explained(uri: str) -> Iterator[None]:
    """Errors of the libraries, and of the system, leave the block as a `RunError`; any other one as it is."""
    try:
        yield
    except ScratchError:
        raise
    except ImportError as error:
        raise RunError(f"MLflow is not there ({error}); pip install mlflow, or mlflow-skinny for a server") from error
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__module__.partition(".")[0] not in _LIBRARIES:
            raise
        if _is_of_a_full_disk(error):
            raise RunError(
                "the disk is full where files of the registry are put; free some space, or set TMPDIR to another folder"
            ) from error
        said, _, _ = " ".join(str(error).split()).replace(uri, shown(uri)).partition(" [SQL: ")
        place, said = shown(uri), said[:_LONGEST]
        if database(uri) is None and ("Max retries exceeded" in str(error) or isinstance(error, ConnectionError)):
            raise RunError(f"the registry {place} does not answer; is it running? ({said})") from error
        raise RunError(f"the registry {place} refused: {said}") from error


def _is_of_a_full_disk(error: BaseException | None) -> bool:
    """Whether a full disk, or a quota that is used up, is behind `error`; MLflow wraps it, or only quotes it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if f"[Errno {errno.ENOSPC}]" in str(error) or f"[Errno {errno.EDQUOT}]" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def if_there(question: Callable[[], Any]) -> Any:
    """The answer, or None where what is asked for does not exist."""
    from mlflow.exceptions import MlflowException

    try:
        return question()
    except MlflowException as error:
        if error.error_code in _NOT_THERE:
            return None
        raise


def unless_there(make: Callable[[], Any]) -> None:
    """Make something that someone else may have made by now."""
    from mlflow.exceptions import MlflowException

    try:
        make()
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
