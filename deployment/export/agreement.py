"""Whether an export gives the numbers of its checkpoint."""

from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Float32
from torch import Tensor
from torch.nn.functional import one_hot

from data_utils.description import Description
from deployment.export.forms import read
from inference.predictor import Predictor
from utils.errors import RunError

MOST = 1e-4
"""The largest difference that is let through."""
_BATCHES = (1, 2, 3, 7, 32)
_SEED = 0


def check(predictor: Predictor, exported: Path) -> float:
    """The `largest_difference`, where it is at most `MOST`.

    Raises:
        RunError: It is larger.
    """
    found = largest_difference(predictor, exported)
    if not found <= MOST:
        raise RunError(
            f"{exported.name} differs from the checkpoint of {predictor.run_id} by {found:.3g}, more than {MOST:g}; "
            "it was not kept"
        )
    return found


def largest_difference(predictor: Predictor, exported: Path) -> float:
    """How far the outputs of an export are from the predictor's own, at most.

    An output whose numbers are larger than 1 is measured in units of the largest of them. Other names, shapes or types
    of outputs, and numbers that are not finite in one of the two only, are infinitely far.

    Args:
        predictor: The checkpoint.
        exported: What `deployment.export.forms.export` returned.
    """
    asked = read(exported, predictor)
    largest = 0.0
    for x in batches(predictor.data):
        wanted, given = predictor.outputs(x), asked(x)
        if wanted.keys() != given.keys():
            return float("inf")
        largest = max([largest, *(_difference(values, given[name]) for name, values in wanted.items())])
    return largest


def batches(data: Description) -> Iterator[Float32[Tensor, "batch *shape"]]:
    """Inputs to try: at random within the range of the data, the same ones each time; then its two ends.

    Texts are words of random letters, then of the first letter and of the last.
    """
    generator = torch.Generator().manual_seed(_SEED)
    if data.kind == "text":
        length, letters = data.input_shape
        drawn = [torch.randint(letters, (size, length), generator=generator) for size in _BATCHES]
        for words in (*drawn, torch.tensor([0, letters - 1])[:, None].expand(2, length)):
            yield one_hot(words, letters).float()
        return
    shape = (-1, *[1] * (len(data.input_shape) - 1))
    low, high = (torch.tensor(ends, dtype=torch.float32).reshape(shape) for ends in (data.low, data.high))
    for size in _BATCHES:
        yield low + (high - low) * torch.rand(size, *data.input_shape, generator=generator)
    yield torch.stack([ends.expand(data.input_shape) for ends in (low, high)])


def _difference(wanted: Tensor, given: Tensor) -> float:
    if wanted.shape != given.shape or wanted.dtype != given.dtype:
        return float("inf")
    ours, theirs = wanted.double(), given.double()
    apart = torch.where(ours == theirs, 0.0, (ours - theirs).abs())  # equal infinities too
    apart = torch.where(ours.isnan() & theirs.isnan(), 0.0, apart).nan_to_num(nan=float("inf"), posinf=float("inf"))
    scale = ours[ours.isfinite()].abs().amax().clamp(min=1.0) if ours.isfinite().any() else 1.0
    return float((apart / scale).amax())
