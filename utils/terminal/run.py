"""How a command ends: one line on stderr and the right exit code."""

import errno
import gc
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

import click

from utils.errors import InputError, ScratchError
from utils.ranks import leave, speaks_for_all, world_size
from utils.terminal.streams import mend_streams


def run_command(
    command: click.Command,
    name: str | None = None,
    explain: Callable[[Exception], ScratchError | None] = lambda error: None,
) -> NoReturn:
    """Run `command` on the process's arguments and exit with the code that it returns; nothing counts as 0.

    A mistake that the user can mend costs one line; the traceback is shown with `--debug`, or where the error is
    a defect of ours.

    Args:
        command: What is run.
        name: What the user called it, for its help.
        explain: Called with an error that looks like a defect; returns what to tell the user where it is none.
    """
    mend_streams()
    try:
        _refuse_empty(sys.argv[1:])
        code = command.main(prog_name=name, standalone_mode=False)
    except click.Abort as abort:
        if isinstance(abort.__cause__, EOFError):  # click takes it for Ctrl-D at a prompt, and we have none
            raise abort.__cause__ from None
        _fail("interrupted", 128 + signal.SIGINT)
    except click.exceptions.NoArgsIsHelpError as error:  # its message is the help of a group, in its lines
        error.show()
        leave(error.exit_code)
    except click.MissingParameter as error:
        where = f"; `{error.ctx.command_path} --help` says what it takes" if error.ctx else ""
        _fail(f"{error.format_message().rstrip('.')}{where}", error.exit_code)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except ScratchError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted", 128 + signal.SIGINT)
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:  # such as the file that stdout goes to
            _drop_unwritten()
            _fail(f"cannot write: {error.strerror}; free some space", 1)
        if _is_of_memory(error):
            detail = f" ({error})" if str(error) else ""
            _fail(f"not enough memory: use a smaller trainer.batch_size, model or data set{detail}", 1)
        if (known := explain(error)) is not None:
            _fail(str(known), known.exit_code)
        # a defect of ours
        if world_size() == 1:
            raise
        if speaks_for_all():
            traceback.print_exc()
        leave(1)
    gc.freeze()  # or the interpreter collects all that torch has made before it lets go of it anyway
    leave(code or 0)


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse a value that is empty, as that of a shell variable that is not set: it would pass for none at all."""
    for before, word in zip(["", *arguments], arguments, strict=False):
        if word == "" or re.fullmatch(r"--[\w-]+=", word):
            option = word or before
            where = f"{option.removesuffix('=')} is given an" if option.startswith("-") else "there is an"
            raise InputError(f"{where} empty value: write what you mean, or leave it out")


def _is_of_memory(error: Exception) -> bool:
    """Whether memory ran out: by Python or NumPy, the system, or torch, which has no kind of its own for a CPU."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    torchs = isinstance(error, RuntimeError) and re.search("out of memory|DefaultCPUAllocator", str(error))
    return isinstance(error, MemoryError) or bool(torchs)


def _drop_unwritten() -> None:
    """Let go of what stdout cannot take, or the interpreter would try again as it ends, and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, exit_code: int) -> NoReturn:
    if "--debug" in sys.argv:
        traceback.print_exc()
    if speaks_for_all():
        print("error:", " ".join(message.split()), file=sys.stderr)  # one line, whatever was quoted in it
    leave(exit_code)
