"""The narrative log: what happened, for a person to read."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from torch import nn

from utils.files import cannot_write, make_folder

_LOGGER = logging.getLogger("engine")
_speaking: ContextVar[Path | None] = ContextVar("_speaking", default=None)
"""The logs folder of the run whose turn it is, where several train together."""


class _LogFile(logging.FileHandler):
    """A log file that fails in silence: the run meets the same full disk, and reports it."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Leave out `record`."""


@contextmanager
def write_text_log(folder: Path) -> Iterator[None]:
    """Within this, everything the engine logs also goes to `train.log` in `folder`, with times and every figure."""
    path = folder / "train.log"
    try:
        make_folder(folder)
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        raise cannot_write(path, error) from error
    handler.addFilter(lambda record: _speaking.get() in (None, folder))
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    handler.setLevel(logging.DEBUG)
    level = _LOGGER.level
    _LOGGER.setLevel(logging.DEBUG)
    _LOGGER.addHandler(handler)
    try:
        yield
    except BaseException as error:
        _LOGGER.debug("ended by %s: %s", type(error).__name__, error)  # the console shows it in a form of its own
        raise
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)
        with suppress(OSError):
            handler.close()


@contextmanager
def only_in(folder: Path) -> Iterator[None]:
    """Within this, what is logged goes to the `train.log` in `folder` and to no other run's."""
    token = _speaking.set(folder)
    try:
        yield
    finally:
        _speaking.reset(token)


def describe_model(model: nn.Module) -> str:
    """Name, number of trained parameters and size of a model."""
    tensors = [*model.parameters(), *model.buffers()]
    parameters = sum(tensor.numel() for tensor in model.parameters())
    size = sum(tensor.nbytes for tensor in tensors) / 1024
    return f"{type(model).__name__.removeprefix('FSDP')} with {parameters:,} parameters ({size:,.1f} KiB)"


def report(run_id: str, results: Mapping[str, Any]) -> str:
    """What a training that is over came to, one figure a line."""
    lines = [f"run {run_id} finished"]
    lines += [f"  {name:<24} {value:.4g}" for name, value in results["last"].items()]
    if best := results["best"]:
        lines.append(f"  best {best['metric']:<19} {best['value']:.4g} at step {best['step']}")
    return "\n".join(lines)
