"""torch.export: `model.pt2`, for PyTorch without the chapter's code."""

import io
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from deployment.export.program import program, quietly
from inference.predictor import Predictor

FILE = "model.pt2"
USE = """\
import torch

model = torch.export.load("model.pt2").module()
outputs = model(torch.zeros({shape}))
"""


def write(predictor: Predictor, folder: Path) -> Path:
    """Write `model.pt2`, for batches of any length.

    Raises:
        RunError: The chapter cannot be exported.
    """
    path, traced, content = folder / FILE, program(predictor), io.BytesIO()
    with quietly():
        torch.export.save(traced, content)  # through memory: torch's own writer can abort where a disk is full
    path.write_bytes(content.getbuffer())
    return path


def read(path: Path) -> Callable[[Tensor], dict[str, Tensor]]:
    """What is in a `.pt2` file."""
    with quietly():
        module = torch.export.load(path).module()
    return torch.no_grad()(module)
