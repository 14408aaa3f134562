"""torchrun, but its exit code is that of the process that failed first; torchrun's own is 1 whatever happened."""

import sys
from typing import NoReturn

from torch.distributed.elastic.multiprocessing.api import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main


def launch() -> NoReturn:
    """Run torchrun on this process's arguments, and exit."""
    try:
        main()
    except ChildFailedError as error:
        print(error, file=sys.stderr)
        code = error.get_first_failure()[1].exitcode
        sys.exit(code if code >= 0 else 128 - code)  # negative: killed by that signal
    except SignalException as stopped:
        sys.exit(128 + stopped.sigval)
    sys.exit(0)


if __name__ == "__main__":
    launch()
