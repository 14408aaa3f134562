import errno
import os
import subprocess
import sys
from collections.abc import Callable

import click
import pytest
import torch

from utils.errors import InputError, Interrupted, RunError
from utils.terminal.run import run_command


def ends_with(action: Callable[[], object], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code of a command that does `action`."""
    monkeypatch.setattr("sys.argv", ["program", *arguments])

    @click.command()
    @click.option("--debug", is_flag=True)
    def command(debug: bool) -> object:
        return action()

    with pytest.raises(SystemExit) as ended:
        run_command(command)
    return ended.value.code


def raising(error: BaseException) -> Callable[[], object]:
    def action() -> object:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code"),
    [(InputError("no such thing"), 2), (RunError("it broke"), 1), (Interrupted(15, "stopped"), 143)],
)
def test_an_error_is_one_line_and_its_exit_code(error, code, monkeypatch, capsys):
    assert ends_with(raising(error), monkeypatch) == code
    assert capsys.readouterr().err == f"error: {error}\n"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError("Unable to allocate 745. GiB for an array"), "(Unable to allocate 745. GiB for an array)"),
        (MemoryError(), "or data set\n"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), "(CUDA out of memory. "),
        (RuntimeError("MPS backend out of memory"), "(MPS backend out of memory)"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "DefaultCPUAllocator"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "Cannot allocate memory)"),
    ],
)
def test_a_lack_of_memory_is_one_line_with_advice(error, reason, monkeypatch, capsys):
    assert ends_with(raising(error), monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: not enough memory: use a smaller trainer.batch_size, model or data set")
    assert said.count("\n") == 1 and reason in said


def test_any_other_error_of_the_system_is_ours(monkeypatch):
    monkeypatch.setattr("sys.argv", ["program"])
    with pytest.raises(RuntimeError, match="a defect"):
        run_command(click.command()(raising(RuntimeError("a defect"))))


def test_a_message_of_several_lines_becomes_one(monkeypatch, capsys):
    ends_with(raising(RunError("first\n  second")), monkeypatch)
    assert capsys.readouterr().err == "error: first second\n"


def test_debug_shows_the_traceback_as_well(monkeypatch, capsys):
    assert ends_with(raising(RunError("it broke")), monkeypatch, "--debug") == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Traceback") and shown.endswith("error: it broke\n")


def test_an_unknown_option_is_one_line(monkeypatch, capsys):
    assert ends_with(lambda: None, monkeypatch, "--debgu") == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("--from", ""), "--from is given an"),
        (("--from=",), "--from is given an"),
        (("xor", ""), "there is an"),
        (("",), "there is an"),
    ],
)
def test_an_empty_value_does_not_pass_for_none(arguments, where, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["program", *arguments])

    @click.command()
    @click.option("--from", "source")
    @click.argument("names", nargs=-1)
    def command(source: str | None, names: tuple[str, ...]) -> None:
        """What it does."""

    with pytest.raises(SystemExit) as ended:
        run_command(command)
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {where} empty value: write what you mean, or leave it out\n"


def test_what_is_missing_is_named_with_where_to_read_on(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["program"])

    @click.command()
    @click.argument("chapter", metavar="NN")
    def command(chapter: str) -> None:
        """What it does."""

    with pytest.raises(SystemExit) as ended:
        run_command(command, "program")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: Missing argument 'NN'; `program --help` says what it takes\n"


def test_a_group_alone_shows_its_help_in_lines(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["program"])

    @click.group()
    def group() -> None:
        """What it does."""

    with pytest.raises(SystemExit) as ended:
        run_command(group, "program")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("Usage: program [OPTIONS] COMMAND [ARGS]...\n\n  What it does.\n")


def test_ctrl_c_is_130(monkeypatch, capsys):
    assert ends_with(raising(KeyboardInterrupt()), monkeypatch) == 130
    assert capsys.readouterr().err.strip() == "error: interrupted"


def test_a_file_that_ends_too_soon_is_not_taken_for_an_interruption(monkeypatch):
    monkeypatch.setattr("sys.argv", ["program"])

    @click.command()
    def command() -> None:
        raise EOFError("marshal data too short")

    with pytest.raises(EOFError, match="marshal"):
        run_command(command)


def test_a_command_ends_with_the_code_that_it_returns(monkeypatch):
    assert ends_with(lambda: 3, monkeypatch) == 3
    assert ends_with(lambda: None, monkeypatch) == 0


PRINTING = (
    "import click; from utils.terminal.run import run_command; run_command(click.command()(lambda: click.echo('said')))"
)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full on this system")
@pytest.mark.parametrize("options", [(), ("-u",)], ids=["buffered", "unbuffered"])
def test_a_full_disk_under_stdout_is_one_line(options):
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, *options, "-c", PRINTING]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    expected = "error: cannot write: No space left on device; free some space\n"
    assert (ended.returncode, ended.stderr) == (1, expected)
