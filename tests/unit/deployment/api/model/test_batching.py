"""Requests share forward passes, and none of them notices."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from deployment.api.errors import ApiError
from deployment.api.model.batching import Batcher, Outputs
from deployment.api.settings import BatchingSettings

Result = TypeVar("Result")


class Model:
    """Remembers the sizes of its batches; an example whose first number is negative breaks it."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def __call__(self, x: Tensor) -> Outputs:
        self.sizes.append(len(x))
        if (x < 0).any():
            raise ValueError("negative")
        return {"double": x * 2, "sum": x.sum(1)}


class Held(Executor):
    """A worker whose work is done when the test says so."""

    def __init__(self) -> None:
        self.todo: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*arguments))
            except ValueError as error:
                future.set_exception(error)

        self.todo.append(work)
        return future

    async def work(self) -> None:
        """Do what there is."""
        self.todo.pop(0)()
        await turns()


async def turns() -> None:
    """Let the event loop come round a few times."""
    for _ in range(5):
        await asyncio.sleep(0)


def batcher(model: Model, worker: Executor, limit: int = 1000, **changes: Any) -> Batcher:
    settings = BatchingSettings(**{"max_examples": 4, "max_wait_ms": 0, "threads": 1, **changes})
    return Batcher(model, settings, limit, worker, lambda size: None)


def run(test: Callable[[Model, Held], Coroutine[Any, Any, Result]]) -> Result:
    return asyncio.run(test(Model(), Held()))


def examples(*first: float) -> Tensor:
    return torch.tensor([[number, 1.0] for number in first])


@given(requests=st.lists(st.lists(st.integers(-1, 5), min_size=1, max_size=6), min_size=1, max_size=12))
def test_every_request_gets_what_it_would_get_alone(requests: list[list[int]]) -> None:
    async def ask() -> list[Any]:
        with ThreadPoolExecutor(1) as worker:
            shared = batcher(Model(), worker)
            asked = (shared.submit(examples(*request)) for request in requests)
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert shared.waiting == 0
            return answers

    for request, answer in zip(requests, asyncio.run(ask()), strict=True):
        if min(request) < 0:
            assert isinstance(answer, ValueError)
        else:
            alone = Model()(examples(*request))
            assert all(torch.equal(answer[name], alone[name]) for name in alone)


def test_requests_of_one_turn_share_a_pass_and_the_next_waits_for_the_worker() -> None:
    async def scene(model: Model, worker: Held) -> None:
        shared = batcher(model, worker)
        asked = [asyncio.create_task(shared.submit(examples(1.0))) for _ in range(6)]
        await turns()
        assert (shared.waiting, shared.is_long) == (2, False)
        await worker.work()
        await worker.work()
        await asyncio.gather(*asked)
        assert model.sizes == [4, 2]

    run(scene)


def test_a_request_larger_than_a_batch_goes_alone() -> None:
    async def scene(model: Model, worker: Held) -> None:
        shared = batcher(model, worker)
        asked = [asyncio.create_task(shared.submit(examples(*range(size)))) for size in (1, 9, 1)]
        await turns()
        for _ in range(3):
            await worker.work()
        assert [len((await answer)["sum"]) for answer in asked] == [1, 9, 1]
        assert model.sizes == [1, 9, 1]

    run(scene)


def test_a_cancelled_request_is_not_computed() -> None:
    async def scene(model: Model, worker: Held) -> None:
        shared = batcher(model, worker, max_examples=1)
        first, second, third = (asyncio.create_task(shared.submit(examples(i))) for i in (1.0, 2.0, 3.0))
        await turns()
        second.cancel()
        await turns()
        await worker.work()
        await worker.work()
        assert (await third)["double"][0, 0] == 6.0
        assert second.cancelled()
        assert (model.sizes, worker.todo, shared.waiting) == ([1, 1], [], 0)
        await first

    run(scene)


def test_a_bad_example_harms_only_its_own_request() -> None:
    async def scene(model: Model, worker: Held) -> None:
        shared = batcher(model, worker)
        good, bad = (asyncio.create_task(shared.submit(examples(i))) for i in (1.0, -1.0))
        late = asyncio.create_task(shared.submit(examples(2.0)))
        await turns()
        for _ in range(4):
            await worker.work()
        assert (await good)["double"][0, 0] == 2.0
        assert (await late)["double"][0, 0] == 4.0
        with pytest.raises(ValueError, match="negative"):
            await bad
        assert model.sizes == [3, 1, 1, 1]

    run(scene)


def test_an_idle_worker_waits_for_more_until_the_batch_is_full() -> None:
    async def scene(model: Model, worker: Held) -> None:
        shared = batcher(model, worker, max_wait_ms=60_000)
        asked = [asyncio.create_task(shared.submit(examples(1.0))) for _ in range(3)]
        await turns()
        assert worker.todo == []
        asked.append(asyncio.create_task(shared.submit(examples(1.0))))
        await turns()
        await worker.work()
        await asyncio.gather(*asked)
        assert model.sizes == [4]

    run(scene)


def test_an_idle_worker_does_not_wait_forever() -> None:
    async def scene(model: Model, worker: Held) -> None:
        shared = batcher(model, worker, max_wait_ms=1)
        asked = asyncio.create_task(shared.submit(examples(1.0)))
        while not worker.todo:
            await asyncio.sleep(0.001)
        await worker.work()
        await asked

    run(scene)


def test_more_than_may_wait_are_sent_away() -> None:
    async def scene(model: Model, worker: Held) -> None:
        shared = batcher(model, worker, limit=2)
        taken = asyncio.create_task(shared.submit(examples(1.0, 2.0)))
        await asyncio.sleep(0)
        with pytest.raises(ApiError) as refusal:
            await shared.submit(examples(3.0))
        assert (refusal.value.status, refusal.value.headers["Retry-After"]) == (503, "1")
        await turns()
        await worker.work()
        await taken

    run(scene)


def test_a_short_pass_needs_no_worker_and_is_shared_and_fails_like_a_long_one() -> None:
    async def scene(model: Model, worker: Held) -> None:
        settings = BatchingSettings(max_examples=4, max_wait_ms=0, threads=1)
        shared = Batcher(model, settings, 1000, worker, lambda size: None, short=2)
        first, second = await asyncio.gather(shared.submit(examples(1.0)), shared.submit(examples(2.0)))
        assert (first["sum"].tolist(), second["sum"].tolist()) == ([2.0], [3.0])
        good, bad = shared.submit(examples(1.0)), shared.submit(examples(-1.0))
        answers = await asyncio.gather(good, bad, return_exceptions=True)
        assert isinstance(answers[1], ValueError) and answers[0]["sum"].tolist() == [2.0]
        assert model.sizes == [2, 2, 1, 1] and worker.todo == []
        long = asyncio.create_task(shared.submit(examples(1.0, 2.0, 3.0)))
        await turns()
        await worker.work()
        assert len((await long)["sum"]) == 3

    run(scene)
