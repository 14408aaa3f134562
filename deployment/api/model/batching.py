"""Requests that wait at the same time share a forward pass."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from deployment.api.errors import busy
from deployment.api.settings import BatchingSettings

Outputs = dict[str, Shaped[Tensor, "batch *rest"]]


@dataclass(eq=False)
class _Item:
    """The examples of one request, and its answer to be."""

    x: Float[Tensor, "batch *shape"]
    answer: "asyncio.Future[Outputs]"
    alone: bool = False
    """In a pass of its own, after one that it shared has failed."""


class Batcher:
    """Collects examples on the event loop and computes a batch at a time, on one worker thread where it takes long.

    While the worker is busy, examples collect by themselves. When it has nothing to do, the first example waits
    `max_wait_ms` for others; with 0 it still goes together with all those that arrive in the same turn of the loop.

    Args:
        compute: Examples [batch, *shape] to named outputs, one row an example.
        settings: The largest batch, and how long to wait for it.
        waiting_limit: How many examples may wait.
        worker: Runs `compute`; one thread.
        observe: Is told the number of examples of each pass.
        short: A pass of at most so many examples is computed on the event loop: it takes less time than a thread costs.
    """

    def __init__(
        self,
        compute: Callable[[Tensor], Outputs],
        settings: BatchingSettings,
        waiting_limit: int,
        worker: Executor,
        observe: Callable[[int], None],
        short: int = 0,
    ) -> None:
        self._compute = compute
        self._settings = settings
        self._limit = waiting_limit
        self._worker = worker
        self._observe = observe
        self._short = short
        self._items: deque[_Item] = deque()
        self.waiting = 0
        """How many examples wait."""
        self._running = False
        self._start_at: asyncio.Handle | None = None

    @property
    def is_long(self) -> bool:
        """Whether those that wait already are more than the next pass takes."""
        return self.waiting >= self._settings.max_examples

    async def submit(self, x: Float[Tensor, "batch *shape"]) -> Outputs:
        """The outputs for `x`; cancelling it before its pass has begun takes it out of the queue.

        Raises:
            ApiError: Too many examples wait.
        """
        if self.waiting + len(x) > self._limit:
            raise busy("too many examples are waiting for the model; try again")
        item = _Item(x, asyncio.get_running_loop().create_future())
        self._items.append(item)
        self.waiting += len(x)
        self._schedule()
        try:
            return await item.answer
        except asyncio.CancelledError:
            if item in self._items:
                self._items.remove(item)
                self.waiting -= len(x)
            raise

    def _schedule(self) -> None:
        """Start a pass now, or when the time has come for it."""
        if self._running or not self._items:
            return
        loop = asyncio.get_running_loop()
        full = self.waiting >= self._settings.max_examples
        if self._start_at is None:
            delay = 0 if full else self._settings.max_wait_ms / 1000
            self._start_at = loop.call_later(delay, self._start) if delay else loop.call_soon(self._start)
        elif full and isinstance(self._start_at, asyncio.TimerHandle):
            self._start_at.cancel()
            self._start_at = loop.call_soon(self._start)

    def _start(self) -> None:
        self._start_at = None
        items = self._next_batch()
        if not items:
            return
        self._running = True
        x = items[0].x if len(items) == 1 else torch.cat([item.x for item in items])
        self._observe(len(x))
        loop = asyncio.get_running_loop()
        if len(x) > self._short:
            computing = loop.run_in_executor(self._worker, self._compute, x)
            computing.add_done_callback(lambda done: self._finish(items, done))
            return
        computed = loop.create_future()
        try:
            computed.set_result(self._compute(x))
        except Exception as error:
            computed.set_exception(error)
        self._finish(items, computed)

    def _next_batch(self) -> list[_Item]:
        """Items from the front of the queue, as many as fit in one pass."""
        batch: list[_Item] = []
        size = 0
        while self._items:
            item = self._items[0]
            if batch and (item.alone or batch[0].alone or size + len(item.x) > self._settings.max_examples):
                break
            batch.append(self._items.popleft())
            size += len(item.x)
        self.waiting -= size
        return batch

    def _finish(self, items: list[_Item], done: "asyncio.Future[Outputs]") -> None:
        self._running = False
        error = done.exception()
        if error is None:
            sizes = [len(item.x) for item in items]
            parts = {name: values.split(sizes) for name, values in done.result().items()}
            for i, item in enumerate(items):
                if not item.answer.done():
                    item.answer.set_result({name: split[i] for name, split in parts.items()})
        elif len(items) == 1:
            if not items[0].answer.done():
                items[0].answer.set_exception(error)
        else:  # one of them is to blame, and the others must not suffer for it
            for item in reversed(items):
                if not item.answer.done():
                    item.alone = True
                    self._items.appendleft(item)
                    self.waiting += len(item.x)
        self._schedule()
