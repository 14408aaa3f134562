"""Writes the checkpoints of a training in the form that suits its strategy, and finds the newest one again."""

from __future__ import annotations

import shutil
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch.distributed as dist

from engine.checkpoint.content import capture_state, read_checkpoint
from engine.checkpoint.file import save_checkpoint
from engine.checkpoint.resolve import BEST, LAST, newest_checkpoint, sharded_folders
from engine.device.fsdp import is_sharded

if TYPE_CHECKING:
    from engine.trainer import Trainer


class CheckpointManager:
    """The checkpoints of one run; of several ranks all call it together.

    A model that each rank has in full is written as one file by rank 0. A split one is written by all ranks while they
    train on (`engine/checkpoint/sharded.py`); as the best, and at the end of the run, it is put together into one file
    as well.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.folder = trainer, trainer.run.folders.models
        self.split = is_sharded(trainer.config, trainer.world)
        self._pending: Future[Any] | None = None
        self._group = dist.new_group(backend="gloo") if self.split else None

    def last(self) -> None:
        """Write where the training stands; a split model is copied now and written in the background.

        Raises:
            NonFinite: A weight is not finite.
            RunError: This checkpoint, or the one that was under way, cannot be written.
        """
        content = capture_state(self.trainer)
        if not self.split:
            self._write(LAST, content)
            return
        from engine.checkpoint.sharded import save_sharded

        self.wait()
        self._pending = save_sharded(self.folder, content, self.trainer.world.is_main, self._group)

    def best(self) -> None:
        """Write the weights that are the best so far; raises as `last`."""
        self._write(BEST, capture_state(self.trainer))

    def final(self) -> None:
        """Write where the training ended, as one file; raises as `last`."""
        self.wait()
        self._write(LAST, capture_state(self.trainer))

    def wait(self) -> None:
        """Wait for what is being written in the background.

        Raises:
            RunError: It cannot be written.
        """
        if self._pending is not None:
            from engine.checkpoint.sharded import finish_save

            pending, self._pending = self._pending, None
            finish_save(pending, self.folder)

    def newest(self) -> dict[str, Any] | None:
        """What to go on from; None where the run was stopped before its first checkpoint.

        Raises:
            InputError: It cannot be used.
        """
        path = self.trainer.world.from_main(lambda: newest_checkpoint(self.folder))
        return self.read(path) if path is not None else None

    def read(self, path: Path) -> dict[str, Any]:
        """The content of the checkpoint `path`, its tensors split over the ranks where the model's are.

        Raises:
            InputError: It cannot be used.
        """
        read = partial(read_checkpoint, path, self.trainer.run.chapter)
        if not self.split:
            return read()
        from torch.distributed.tensor import Shard, empty

        from engine.checkpoint.sharded import load_sharded, verify_sharded

        mesh = next(self.trainer.model.parameters()).device_mesh  # type: ignore[attr-defined]  # a DTensor
        if not path.is_dir():
            return _split(read(), self.trainer, mesh)
        self.trainer.world.from_main(lambda: verify_sharded(path))
        return read(
            lambda folder: load_sharded(
                folder,
                lambda shape, dtype: empty(shape, dtype=dtype, device_mesh=mesh, placements=[Shard(0)]),
                together=True,
            )
        )

    def _write(self, name: str, content: dict[str, Any]) -> None:
        main = self.trainer.world.is_main
        if self.split:
            from engine.checkpoint.sharded import gathered

            content = gathered(content, keep=main)
        if main:
            save_checkpoint(self.folder / name, content)
            if name == LAST:  # those of an earlier time with more ranks are older
                for path in sharded_folders(self.folder):
                    shutil.rmtree(path, ignore_errors=True)


def _split(content: dict[str, Any], trainer: Trainer, mesh: Any) -> dict[str, Any]:
    """`content` with each tensor split over the ranks that the model of `trainer` splits."""
    from torch.distributed.tensor import Shard, distribute_tensor

    def split(value: Any) -> Any:
        return distribute_tensor(value.to(mesh.device_type), mesh, [Shard(0)])

    parameters = dict(trainer.model.named_parameters(remove_duplicate=False))
    for section in ("model", "average"):
        found = content[section] or {}
        found |= {name: split(value) for name, value in found.items() if name in parameters}
    for optimizer in content["optimizers"].values():
        for state in optimizer["state"].values():
            state |= {key: split(value) for key, value in state.items() if getattr(value, "ndim", 0) > 0}
    return content
