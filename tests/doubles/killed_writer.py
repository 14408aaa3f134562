"""Writes a checkpoint again and again, and is killed before every call to the system that it makes on the way.

    python killed_writer.py FOLDER

Each attempt is a process of its own (a fork), which SIGKILLs itself before its k-th call; a write counts as five.
Prints one JSON object a line: the call, and the step in the checkpoint that is there afterwards.
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

import utils.files
from engine.checkpoint.file import load_checkpoint, save_checkpoint


class DeadlySystem:
    """Stands for the module `os`; the `last`th call of one of its functions is the process's last."""

    def __init__(self, last: int, report: int) -> None:
        self.left, self.report = last, report

    def __getattr__(self, name: str) -> Any:
        found = getattr(os, name)
        if name in ("path", "name", "O_RDONLY", "strerror"):
            return found

        def call(*arguments: Any) -> Any:
            self.count(name)
            result = found(*arguments)
            return DeadlyFile(result, self) if name == "fdopen" else result

        return call

    def count(self, name: str) -> None:
        """One call more."""
        self.left -= 1
        if self.left == 0:
            os.write(self.report, name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


class DeadlyFile:
    """A file that is written in five parts."""

    def __init__(self, file: Any, system: DeadlySystem) -> None:
        self.file, self.system = file, system

    def write(self, content: Any) -> None:
        part = -(-len(content) // 5)
        for start in range(0, len(content), part):
            self.system.count(f"write at {start}")
            self.file.write(content[start : start + part])
            self.file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def __enter__(self) -> "DeadlyFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.system.count("close")
        self.file.close()


def attempt(path: Path, last: int) -> tuple[str, bool]:
    """Write the new checkpoint in a process that dies at call `last`; returns that call, and whether it died."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        utils.files.os = DeadlySystem(last, theirs)  # type: ignore[attr-defined]
        save_checkpoint(path, content(2))
        os._exit(0)
    os.close(theirs)
    _, status = os.waitpid(child, 0)
    call = os.read(ours, 100).decode()
    os.close(ours)
    return call, os.WIFSIGNALED(status)


def content(step: int) -> dict[str, Any]:
    """Of a checkpoint."""
    return {"step": step, "model": {"weight": torch.full((100, 10), float(step))}}


def main(folder: Path) -> None:
    """Kill at the first call, the second, and so on, until a process comes through."""
    path, last, died = folder / "model_last.pt", 0, True
    while died:
        last += 1
        save_checkpoint(path, content(1))
        call, died = attempt(path, last)
        there = load_checkpoint(path)
        assert (there["model"]["weight"] == there["step"]).all()
        print(json.dumps({"call": call, "step": there["step"]}))
        utils.files.remove_leftovers(folder)
        assert list(folder.iterdir()) == [path]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
