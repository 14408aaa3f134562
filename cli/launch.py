"""What `./scratch` does once it knows that the Python is new enough; standard library only."""

import os
import sys
from pathlib import Path

from project.venvs import root_venv
from utils.errors import ScratchError
from utils.terminal.environment import environment
from utils.terminal.streams import mend_streams


def launch(root: str) -> None:
    """Make the root's virtual environment if it is not there or out of date, and become the command line in it.

    Args:
        root: The repository's folder.
    """
    mend_streams()
    venv = root_venv(Path(root))
    try:
        venv.ensure("base")
    except ScratchError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    # -P: a folder that happens to be the current one must not be importable.
    os.execve(venv.python, [str(venv.python), "-P", "-m", "cli", *sys.argv[1:]], environment())
