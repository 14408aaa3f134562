"""Reading what people wrote."""

from pathlib import Path

from utils.errors import InputError


def read_text(path: Path) -> str:
    """What is in `path`.

    Raises:
        InputError: It is missing, or no text.
    """
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"cannot read {path}: it is not in UTF-8") from None
