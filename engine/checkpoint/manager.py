"""Writes the checkpoints of a training in the form that suits its strategy, and finds the newest one again."""

import logging
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import torch.distributed as dist
from torch import nn

from engine.checkpoint.content import Stateful, capture, header, read_checkpoint, trained_weights
from engine.checkpoint.file import check_weights, load_weights, save_checkpoint
from engine.checkpoint.resolve import BEST, LAST, newest_checkpoint, resolve_checkpoint, sharded_folders
from engine.device.fsdp import Sharding
from engine.device.world import World
from engine.loop.learner import Learner
from engine.runs.run import Run

log = logging.getLogger(__name__)


class CheckpointManager:
    """The checkpoints of one run; of several ranks all call it together.

    A model that each rank has in full is written as one file by rank 0. A sharded one is written by all ranks while
    they train on (`engine/checkpoint/sharded.py`); as the best, and at the end of the run, it is put together into one
    file as well.

    Args:
        folder: The run's folder of models.
        header: What each checkpoint says of its run: chapter, run id, config and data.
        parts: Their entries are the rest of a checkpoint, and they go on from one.
        world: The ranks.
        sharding: How the model is sharded; None where each rank has all of it.
    """

    def __init__(
        self,
        folder: Path,
        header: Mapping[str, Any],
        parts: Sequence[Stateful],
        world: World,
        sharding: Sharding | None = None,
    ) -> None:
        self.folder, self.header, self.parts, self.world, self.sharding = folder, header, parts, world, sharding
        self._pending: Future[Any] | None = None
        self._group = dist.new_group(backend="gloo") if sharding else None

    @classmethod
    def of(cls, run: Run, learner: Learner, *others: Stateful) -> "CheckpointManager":
        """The checkpoints of `run`, of `learner` and of `others`, in the form that the model needs."""
        sharding = Sharding.of(learner.model)
        return cls(run.folders.models, header(run, learner.splits), (learner, *others), learner.world, sharding)

    def capture(self) -> dict[str, Any]:
        """The content of a checkpoint, now.

        Raises:
            NonFinite: A weight is not finite.
        """
        return capture(self.header, self.parts, self.world)

    def restore(self, content: Mapping[str, Any]) -> None:
        """Put every part where `capture` saw it."""
        for part in self.parts:
            part.load_state_dict(content)

    # ---- write -----------------------------------------------------------------------------------------------------

    def save_last(self) -> None:
        """Write where the training stands; a sharded model is copied now and written in the background.

        Raises:
            NonFinite: A weight is not finite.
            RunError: This checkpoint, or the one that was under way, cannot be written.
        """
        content = self.capture()
        if not self.sharding:
            self._write(LAST, content)
            return
        from engine.checkpoint.sharded import save_sharded

        self.wait()
        self._pending = save_sharded(self.folder, content, self.world.is_main, self._group)

    def save_best(self) -> None:
        """Write the weights that are the best so far; raises as `save_last`."""
        self._write(BEST, self.capture())

    def save_final(self) -> None:
        """Write where the training ended, as one file; raises as `save_last`."""
        self.wait()
        self._write(LAST, self.capture())

    def wait(self) -> None:
        """Wait for what is being written in the background.

        Raises:
            RunError: It cannot be written.
        """
        if self._pending is not None:
            from engine.checkpoint.sharded import finish_save

            pending, self._pending = self._pending, None
            finish_save(pending, self.folder)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        if self.sharding:
            from engine.checkpoint.sharded import gathered

            content = gathered(content, keep=self.world.is_main)
        if self.world.is_main:
            save_checkpoint(self.folder / name, content)
            if name == LAST:  # those of an earlier time with more ranks are older
                for path in sharded_folders(self.folder):
                    shutil.rmtree(path, ignore_errors=True)

    # ---- read ------------------------------------------------------------------------------------------------------

    def newest(self) -> dict[str, Any] | None:
        """What to go on from; None where the run was stopped before its first checkpoint.

        Raises:
            InputError: It cannot be used.
        """
        path = self.world.from_main(lambda: newest_checkpoint(self.folder))
        return self.read(path) if path is not None else None

    def read(self, path: Path) -> dict[str, Any]:
        """The content of the checkpoint `path`, its tensors sharded where the model's are.

        Raises:
            InputError: It cannot be used.
        """
        read, sharding = partial(read_checkpoint, path, Path(self.header["chapter"])), self.sharding
        if sharding is None:
            return read()
        if not path.is_dir():
            return sharding.apply(read())
        from engine.checkpoint.sharded import load_sharded, verify_sharded

        self.world.from_main(lambda: verify_sharded(path))
        return read(lambda folder: load_sharded(folder, sharding.empty, together=True))

    def start(self, run: Run, model: nn.Module) -> None:
        """Go on from the run's newest checkpoint, or begin with the weights of another one, where that is asked for.

        A run that was stopped before its first checkpoint starts over.

        Raises:
            InputError: A checkpoint cannot be used, or is of another model.
        """
        reference = run.options.load_checkpoint
        if run.options.resume:
            content = self.newest()
            if content is not None:
                check_weights(model, content["model"], f"the checkpoint of {content['run_id']}")
                self.restore(content)
                return
            log.info("no checkpoint yet: starting over")
        if reference is not None:
            path = self.world.from_main(lambda: resolve_checkpoint(reference, run.outputs))
            load_weights(model, trained_weights(self.read(path)), str(path))
            run.started_from = str(path.resolve())
