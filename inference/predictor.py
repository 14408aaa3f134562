"""A checkpoint that can be asked."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from pydantic import BaseModel
from torch import Tensor

from data_utils.description import Description
from engine.checkpoint.content import read_checkpoint, trained_weights
from engine.checkpoint.file import load_weights
from engine.checkpoint.resolve import resolve_checkpoint
from engine.config import ExperimentConfig
from engine.device.hardware import present
from inference.answers import PredictOptions
from inference.chapter import ServedChapter, load_chapter
from inference.examples import example_type, in_batches, to_tensor
from inference.pipeline import Pipeline
from inference.signature import Signature, TensorSpec
from utils.errors import InputError
from utils.schema import validate

BATCH_SIZE = 256


class Predictor:
    """A trained model of a chapter, with all it needs to answer: no data set, no run.

    Attributes:
        pipeline: The computation, in evaluation mode.
        config: What the model was trained with.
        data: What its data was.
        run_id: The run that trained it.
        step: After how many steps.
        metrics: What was measured then, by the names of `metrics.jsonl`.
    """

    def __init__(self, chapter: ServedChapter, content: dict[str, Any], source: str, device: str = "cpu") -> None:
        if content.get("data") is None:
            raise InputError(f"{source} does not say what its data was, as those of older versions; train again")
        self.chapter = chapter
        self.run_id, self.step = str(content["run_id"]), int(content["step"])
        self.metrics: dict[str, float] = dict(content.get("latest") or {})
        schema: Any = ExperimentConfig[chapter.model_config]  # type: ignore[name-defined]
        self.config: ExperimentConfig[Any] = validate(schema, content["config"], f"config in {source}")
        self.data = validate(Description, content["data"], f"data in {source}")
        model = chapter.build(self.config, self.data)
        load_weights(model, trained_weights(content), source)
        self.device = torch.device(present(device, "the device", "auto"))
        pipeline = Pipeline(model, chapter.serving, self.data, self.config.data).eval()
        try:
            self.pipeline = pipeline.to(self.device)
        except TypeError as error:  # mps has no double precision, in which some models learn
            raise InputError(f"this model cannot be on {device}: {error}; take cpu") from None

    @classmethod
    def from_checkpoint(
        cls, chapter: Path, reference: str, outputs: Path | None = None, device: str = "cpu"
    ) -> "Predictor":
        """Load the checkpoint that `reference` names: a file, a run id, `latest`, or a wandb artifact.

        Args:
            chapter: The chapter's folder.
            reference: Which checkpoint.
            outputs: Where runs are looked for; the chapter's `outputs/` where it is None.
            device: cpu, cuda, mps, or auto for the first of the other two that is there.

        Raises:
            InputError: There is none, it cannot be used, or the device is not there.
        """
        path = resolve_checkpoint(reference, outputs or chapter / "outputs")
        content = read_checkpoint(path, chapter.resolve())
        return cls(load_chapter(chapter), content, f"checkpoint {path}", device)

    def predict(
        self, examples: Sequence[Any] | np.ndarray, options: PredictOptions | None = None, batch_size: int = BATCH_SIZE
    ) -> list[BaseModel]:
        """The answers to `examples`, in their order.

        Args:
            examples: As in `inference.examples`: rows, pictures, or words.
            options: How answers are wanted.
            batch_size: So many examples go through the model at a time.

        Raises:
            InputError: An example is not what the model takes; the message counts from 1.
        """
        return list(self.stream(examples, options, batch_size))

    def stream(
        self, examples: Iterable[Any], options: PredictOptions | None = None, batch_size: int = BATCH_SIZE
    ) -> Iterator[BaseModel]:
        """The answers to any number of examples, of which a batch at a time is read and kept; else as `predict`."""
        before = 0
        for x in in_batches(examples, self.data, batch_size):
            yield from self.answers(self.outputs(x, batch_size), options or PredictOptions(), before)
            before += len(x)

    def batch(self, examples: Sequence[Any] | np.ndarray) -> Float[Tensor, "batch *shape"]:
        """`examples` as one tensor, in the units of their source."""
        return to_tensor(examples, self.data)

    @torch.inference_mode()
    def outputs(
        self, x: Float[Tensor, "batch *shape"], batch_size: int = BATCH_SIZE
    ) -> dict[str, Shaped[Tensor, "batch *rest"]]:
        """What the model says to a batch, on the CPU."""
        parts = [self.pipeline(part.to(self.device)) for part in x.split(batch_size)]
        return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}

    def answers(
        self, outputs: dict[str, Shaped[Tensor, "batch *rest"]], options: PredictOptions, before: int = 0
    ) -> list[BaseModel]:
        """What each row of `outputs` means.

        Args:
            outputs: As from `outputs`.
            options: How answers are wanted.
            before: So many examples came before these.

        Raises:
            InputError: A number is not finite, which no answer can hold; the message counts from 1.
        """
        arrays = {name: values.numpy() for name, values in outputs.items()}
        finite = [np.isfinite(values).reshape(len(values), -1).all(axis=1) for values in arrays.values()]
        if len(wrong := np.flatnonzero(~np.logical_and.reduce(finite))):
            number = before + int(wrong[0]) + 1
            raise InputError(f"example {number}: the model's answer is not finite; its numbers are too large")
        rows = [dict(zip(arrays, row, strict=True)) for row in zip(*arrays.values(), strict=True)]
        return [self.chapter.serving.decode(row, self.data, options) for row in rows]

    @cached_property
    def signature(self) -> Signature:
        """What the model takes and gives."""
        outputs = self.outputs(torch.zeros(2, *self.data.input_shape))
        specs = tuple(
            TensorSpec(name=name, dtype=str(values.dtype).removeprefix("torch."), shape=tuple(values.shape[1:]))
            for name, values in outputs.items()
        )
        return Signature.of(self.chapter.folder.name, specs, self.data, self.chapter.serving.Answer)

    @cached_property
    def example_type(self) -> Any:
        """The pydantic type of one example in JSON."""
        return example_type(self.data)
