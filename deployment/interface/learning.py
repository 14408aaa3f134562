"""Learning a handful of examples while someone watches: the chapter's own rule, on points that a visitor placed."""

import time
from collections.abc import Iterator

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from data_utils.batches import epoch_order
from engine.device.hardware import Hardware
from engine.loop.optimizers import build_optimizers
from engine.loop.step import build_update
from inference.pipeline import Pipeline
from inference.predictor import Predictor
from utils.seeds import derived_seed

PATIENCE = 10.0
"""Seconds of learning after which it ends, whatever is left to do: someone is waiting."""


def learn(
    predictor: Predictor, inputs: Float[Tensor, "n features"], targets: Shaped[Tensor, "n *output"], epochs: int
) -> Iterator[tuple[int, Pipeline]]:
    """Teach a new model the examples as the checkpoint's run was taught: its rule, its rates, its batch size.

    Args:
        predictor: Whose chapter and config.
        inputs: In the units of the source.
        targets: As the model learns them.
        epochs: How often it goes through all of them, unless `PATIENCE` runs out.

    Yields:
        The epochs so far and the model, after 1, 4, 16, … epochs and at the end.
    """
    config = predictor.config
    serving = predictor.chapter.serving
    torch.manual_seed(derived_seed(config.seed, "model"))
    model = predictor.chapter.build(config, predictor.data)
    pipeline = Pipeline(model, serving, predictor.data, config.data)
    x = pipeline.prepare(inputs)
    if hasattr(serving, "prepare"):
        serving.prepare(model, x, targets)
    hardware = Hardware(config.hardware.model_copy(update={"device": "cpu", "precision": "fp32"}))
    update = build_update(config, model, build_optimizers(config, model), hardware)
    look, spent = 1, 0.0
    for epoch in range(epochs):
        started = time.monotonic()
        for chosen in epoch_order(len(x), config.seed, epoch).split(config.trainer.batch_size):
            update([(x[chosen], targets[chosen])], 1.0, False)
        spent += time.monotonic() - started
        over = epoch + 1 == epochs or spent > PATIENCE
        if over or epoch + 1 == look:
            look *= 4
            yield epoch + 1, pipeline.eval()
            model.train()
        if over:
            return
