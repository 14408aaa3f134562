"""The narrative log: what happened, for a person to read (A5)."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from utils.errors import RunError
from utils.files import cannot_write

_LOGGER = logging.getLogger("engine")


@contextmanager
def write_narrative(folder: Path) -> Iterator[None]:
    """Within this, everything the engine logs also goes to `train.log` in `folder`, with times and every figure."""
    path = folder / "train.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from error
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    handler.setLevel(logging.DEBUG)
    level = _LOGGER.level
    _LOGGER.setLevel(logging.DEBUG)
    _LOGGER.addHandler(handler)
    try:
        yield
    except BaseException as error:
        log = _LOGGER.error if isinstance(error, RunError) else _LOGGER.debug
        log("%s: %s", type(error).__name__, error)
        raise
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)
        handler.close()


def describe_model(model: nn.Module) -> str:
    """Name, number of trained parameters and size of a model (B6)."""
    tensors = [*model.parameters(), *model.buffers()]
    parameters = sum(tensor.numel() for tensor in model.parameters())
    size = sum(tensor.nbytes for tensor in tensors) / 1024
    return f"{type(model).__name__} with {parameters:,} parameters ({size:,.1f} KiB)"


def summarize(results: Mapping[str, Any]) -> str:
    """One line about a training that is over."""
    figures = [f"{name} {value:.4g}" for name, value in results["last"].items()]
    if best := results["best"]:
        figures.append(f"best {best['metric']} {best['value']:.4g} at step {best['step']}")
    return f"trained {results['step']} steps in {results['seconds']:.1f} s: {'  '.join(figures)}"
