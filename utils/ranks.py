"""Which of the processes of one launch this is, by what torchrun says in the environment, and how to launch again.

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


def spans_machines() -> bool:
    """Whether torchrun started processes on other machines too."""
    return world_size() > 1 and os.environ.get("LOCAL_WORLD_SIZE") != os.environ["WORLD_SIZE"]


def launch_command(script: Path, processes: int) -> list[str]:
    """What starts `script` with this Python from the current folder, by torchrun where `processes` are several."""
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return [_from_here(Path(sys.executable)), *(torchrun if processes > 1 else []), _from_here(script)]


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


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
