"""Which of the processes of one launch this is, by what torchrun says in the environment.

Free of torch, so that a mistake in a config is answered before torch is loaded.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn


def launched() -> bool:
    """Whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def world_size() -> int:
    """How many processes torchrun started together; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if launched() else 1


def is_main() -> bool:
    """Whether this is rank 0, the one that writes and tells."""
    return not launched() or os.environ["RANK"] == "0"


def speaks_for_all() -> bool:
    """Whether this process is the first of the launch, on this machine, to ask this: the one to say why all stop.

    What one rank meets ends the others too. The first one to fail knows the reason; a rank that only lost contact with
    it finds the word taken.
    """
    file = os.environ.get("TORCHELASTIC_ERROR_FILE") if world_size() > 1 else None
    if not file:
        return True
    with suppress(FileExistsError):  # <attempt>/<rank>/error.json: the attempt's folder is there for all ranks
        os.close(os.open(Path(file).parents[1] / "spoken", os.O_CREAT | os.O_EXCL))
        return True
    return False


def leave(code: int) -> NoReturn:
    """End the process with `code`.

    One of several ranks ends at once, without the interpreter's own clearing up: that aborts one exit in seven after a
    training on gloo (docs/scale.md). Files must be closed by then.
    """
    if world_size() == 1:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
