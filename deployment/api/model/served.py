"""A model in use: its checkpoint, what is said of it, and its queue."""

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import torch
from jaxtyping import Float
from pydantic import BaseModel
from torch import Tensor

from deployment.api.errors import ApiError
from deployment.api.http.pictures import check_pixels
from deployment.api.metrics import Metrics
from deployment.api.model.batching import Batcher, Outputs
from deployment.api.schemas import ServedModel
from deployment.api.settings import Settings
from inference.answers import PredictOptions
from inference.examples import to_tensor
from inference.predictor import Predictor
from utils.errors import InputError

_SHORT_SECONDS = 0.001
"""A pass up to here is computed on the event loop; going to a thread and back costs a good part of it."""


class Model:
    """A checkpoint that answers requests.

    Args:
        predictor: The checkpoint.
        version: Its version in the registry; run and step where it has none.
        alias: What chose the version.
        settings: Of the server.
        worker: Computes the forward passes; one thread.
        metrics: Where batches are counted.
    """

    def __init__(
        self,
        predictor: Predictor,
        version: str | None,
        alias: str | None,
        settings: Settings,
        worker: Executor,
        metrics: Metrics,
    ) -> None:
        self.predictor = predictor
        self._pixels = settings.limits.pixels
        self._largest_batch = settings.batching.max_examples
        waiting = settings.limits.waiting_examples
        self.batcher = Batcher(
            self._compute, settings.batching, waiting, worker, metrics.batch.observe, self._warm_up()
        )
        self.served = ServedModel(
            name=predictor.chapter.folder.name,
            version=version or f"{predictor.run_id}@{predictor.step}",
            run_id=predictor.run_id,
            step=predictor.step,
            alias=alias,
            signature=predictor.signature,
            limits=settings.limits,
        )

    def _warm_up(self) -> int:
        """Compute the smallest and the largest batch, so that no request pays for what is done the first time.

        Returns:
            How many examples at most can be computed in `_SHORT_SECONDS`.
        """
        if self.predictor.data.kind == "image":
            from PIL import Image

            Image.init()  # its readers
        least, most = self._seconds(1), self._seconds(self._largest_batch)
        if least > _SHORT_SECONDS:
            return 0
        each = max(most - least, 0.0) / max(self._largest_batch - 1, 1)
        return self._largest_batch if most <= _SHORT_SECONDS else 1 + int((_SHORT_SECONDS - least) / each)

    def _seconds(self, length: int) -> float:
        """The shortest of a few times that a batch takes."""
        x, times = torch.zeros(length, *self.predictor.data.input_shape), []
        for _ in range(4):
            started = time.perf_counter()
            self._compute(x)
            times.append(time.perf_counter() - started)
        return min(times)

    def tensor(self, examples: Sequence[Any], deadline: float) -> Float[Tensor, "batch *shape"]:
        """Examples as the model takes them.

        Args:
            examples: Of a request.
            deadline: When nobody waits for them any more, by the monotonic clock.

        Raises:
            ApiError: One is not what it takes, or there are too many pixels.
            TimeoutError: It took too long.
        """

        def in_time() -> None:
            if time.monotonic() > deadline:
                raise TimeoutError

        try:
            if self.predictor.data.kind == "image":
                check_pixels(examples, self._pixels)
            return to_tensor(examples, self.predictor.data, self._pixels, in_time)
        except InputError as error:
            raise ApiError(422, "invalid", str(error)) from None

    async def answers(self, x: Float[Tensor, "batch *shape"], asked: PredictOptions) -> list[BaseModel]:
        """What the model says to `x`.

        Raises:
            ApiError: Too many examples wait, or an answer is not finite.
        """
        outputs = await self.batcher.submit(x)
        try:
            return self.predictor.answers(outputs, asked)
        except InputError as error:
            raise ApiError(422, "invalid", str(error)) from None

    def _compute(self, x: Float[Tensor, "batch *shape"]) -> Outputs:
        return self.predictor.outputs(x, self._largest_batch)
