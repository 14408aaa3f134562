"""Writes a sharded checkpoint again and again, and is killed before every call that changes a file or writes to one.

    python killed_sharded_writer.py FOLDER

Each attempt is a process of its own (a fork), which SIGKILLs itself before its k-th call. Prints one JSON object a
line: the call, and the step of the checkpoint that is there afterwards.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch._dynamo  # once and not in every attempt
import torch.distributed as dist
from torch.distributed.tensor import Shard, distribute_tensor

from engine.checkpoint import dcp as dcp_files
from engine.checkpoint.content import load_whole
from engine.checkpoint.resolve import newest_checkpoint
from engine.checkpoint.sharded import finish_save, save_sharded
from utils.files import remove_leftovers

CALLS = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod"}
"""Python's audit events, where `os.replace` is an `os.rename`, and `shutil.rmtree` gives names without their folder."""
EVERY = 8
"""Of the writes to a rank's file, which are many and small."""


def save(folder: Path, step: int) -> None:
    """Write the checkpoint of `step`, as the only rank."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    mesh = dist.device_mesh.init_device_mesh("cpu", (1,))
    weight = distribute_tensor(torch.full((100, 10), float(step)), mesh, [Shard(0)])
    finish_save(save_sharded(folder, {"step": step, "model": {"weight": weight}}, True, dist.group.WORLD), folder)


def die_at(last: int, folder: Path, report: int) -> None:
    """Have this process killed before the `last`th call that has to do with `folder`; it is named to `report`."""
    left, writes = last, 0

    def count(call: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.write(report, call.encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def see(event: str, arguments: tuple[Any, ...]) -> None:
        ours = event in CALLS and (str(folder) in str(arguments[0]) or event in ("os.remove", "os.rmdir"))
        if ours and (event != "open" or arguments[2] & (os.O_WRONLY | os.O_RDWR)):
            count(f"{event} {Path(arguments[0]).name}")

    def write(file: Any, data: Any) -> int:
        nonlocal writes
        writes += 1
        if writes % EVERY == 0:
            count("write")
        return plain_write(file, data)

    def fsync(descriptor: int) -> None:
        count("fsync")
        plain_fsync(descriptor)

    plain_write, plain_fsync = dcp_files._Digesting.write, os.fsync
    dcp_files._Digesting.write, os.fsync = write, fsync  # type: ignore[method-assign, assignment]
    sys.addaudithook(see)


def attempt(task: Callable[[int], None]) -> tuple[str, bool]:
    """Do `task` in a process of its own; returns what that wrote to the pipe it was given, and whether it died."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        task(theirs)
        os._exit(0)
    os.close(theirs)
    _, status = os.waitpid(child, 0)
    said = os.read(ours, 100).decode()
    os.close(ours)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return said, os.WIFSIGNALED(status)


def main(root: Path) -> None:
    """Kill at the first call, the second, and so on, until a process comes through."""
    first, folder, last, died = root / "first", root / "run", 0, True
    first.mkdir()
    attempt(lambda _: save(first, 1))
    while died:
        last += 1
        shutil.copytree(first, folder)

        def write(report: int, last: int = last) -> None:
            die_at(last, folder, report)
            save(folder, 2)

        call, died = attempt(write)
        newest = newest_checkpoint(folder)
        assert newest is not None
        there = load_whole(newest)
        assert (there["model"]["weight"] == there["step"]).all()
        remove_leftovers(folder)
        assert {path.suffix for path in folder.iterdir()} == {".dcp"}
        print(json.dumps({"call": call, "step": there["step"]}), flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
