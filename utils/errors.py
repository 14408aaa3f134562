"""The errors a user sees: one line that says what is wrong, where, and what to do.

Everything a command can foresee is raised as one of these. The command line prints the message on stderr and
exits with `exit_code`; anything else is a defect of ours and keeps its traceback.
"""

import difflib
import signal
from collections.abc import Iterable


class ScratchError(Exception):
    """An error that the user can understand and mend; `exit_code` is what the process ends with.

    Args:
        message: One line: what is wrong, where, and what to do.
        code: The kind of error as a short slug, for programs and tests: `unknown-name`, `cannot-write`.
        where: The file, option or config path that it is about; None where there is no such place.
    """

    exit_code = 1

    def __init__(self, message: str = "", *, code: str = "error", where: str | None = None) -> None:
        super().__init__(message)
        self.code, self.where = code, where


class InputError(ScratchError):
    """What the user gave is wrong: an argument, a config, a file or a run named on the command line."""

    exit_code = 2


class RunError(ScratchError):
    """The run itself failed: non-finite loss, full disk, no network, a claim that does not hold."""

    exit_code = 1


class Interrupted(ScratchError):
    """The run was asked to stop by SIGINT or SIGTERM, and stopped in good order."""

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message, code="interrupted")
        self.exit_code = 128 + signal_number  # the shell's convention: 130 for Ctrl-C, 143 for SIGTERM
        self.signal_name = signal.Signals(signal_number).name


def unknown(kind: str, name: str, choices: Iterable[str]) -> InputError:
    """The error for a name that is not among `choices`, with the closest one if there is a close one."""
    known = sorted(choices)
    message = f"unknown {kind} '{name}'{did_you_mean(name, known)}; known: {', '.join(known) or 'none'}"
    return InputError(message, code="unknown-name", where=kind)


def did_you_mean(name: str, choices: Iterable[str], alike: float = 0.5) -> str:
    """`", did you mean 'xor'?"` for the closest of `choices`, or nothing where none is at least so much `alike`."""
    by_lower_case = {choice.lower(): choice for choice in choices}
    closest = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=alike)
    return f", did you mean '{by_lower_case[closest[0]]}'?" if closest else ""
