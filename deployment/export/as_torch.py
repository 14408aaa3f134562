"""torch.export: `model.pt2`, for PyTorch without the chapter's code.

model = torch.export.load("model.pt2").module()
outputs = model(x)   # x: float32 [batch, *input_shape]; the outputs by their names
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from deployment.export.program import program, quietly
from inference.predictor import Predictor

FILE = "model.pt2"


def write(predictor: Predictor, folder: Path) -> Path:
    """Write `model.pt2`, for batches of any length.

    Raises:
        RunError: The chapter cannot be exported.
    """
    path, traced = folder / FILE, program(predictor)
    with quietly():
        torch.export.save(traced, path)
    return path


def read(path: Path) -> Callable[[Tensor], dict[str, Tensor]]:
    """What is in a `.pt2` file."""
    with quietly():
        module = torch.export.load(path).module()
    return torch.no_grad()(module)
