"""The root's side of `scratch reproduce`: a chapter's train.py at work, asked over its stdin."""

import json
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from utils.errors import InputError, RunError
from utils.terminal.processes import Children


class Client:
    """One serving process of a chapter; see server.py for what it can be asked.

    Args:
        children: Starts it, and ends it with the command.
        python: The chapter's Python.
        chapter: The chapter's folder.

    Raises:
        RunError: The command is being stopped.
    """

    def __init__(self, children: Children, python: Path, chapter: Path) -> None:
        self.chapter = chapter
        self.has_ended = False
        self._children = children
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  # closed in close()
        process = children.start(
            [str(python), str(chapter / "src/train.py"), "--serve"],
            chapter,
            {"OMP_NUM_THREADS": "1"},  # two processes with a thread each are faster than one with two
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
        )
        if process is None:
            raise RunError("stopped")
        self._process = process

    def ask(self, **question: Any) -> dict[str, Any]:
        """The answer to `question`.

        Raises:
            InputError: The chapter's config has a mistake.
            RunError: The training failed, or the process ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question).encode() + b"\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            self.has_ended = True
            raise RunError(f"the train.py of {self.chapter.name} ended: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise (InputError if answer["exit_code"] == InputError.exit_code else RunError)(answer["error"])
        return answer

    def close(self) -> None:
        """Let it end, and wait for that."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._children.wait(self._process)
        self._said.close()

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").split("\n")
        return next((line.removeprefix("error: ") for line in reversed(lines) if line.strip()), "it said nothing")
