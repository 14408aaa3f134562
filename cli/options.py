"""Options that several commands have, and how they are passed on to the program that does the work."""

from collections.abc import Mapping
from pathlib import Path

import click

CHECKPOINT = click.option(
    "--checkpoint", required=True, metavar="REF", help="A file, a run id, 'latest', or a wandb artifact."
)
DEVICE = click.option("--device", metavar="NAME", default="cpu", show_default=True, help="cpu, cuda, mps or auto.")
OUTPUTS = click.option(
    "--outputs", type=click.Path(path_type=Path), help="Where the results are; default: the chapter's outputs/."
)
PROFILED_STEPS = click.IntRange(1, 10_000)  # the trace of each is kept in memory
DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of an error.")

FORMS = ("onnx", "torch", "safetensors", "triton")
"""What a model can be exported to."""
TRITON_BACKENDS = ("python", "onnxruntime")
"""What can run it in Triton."""


def passed_on(given: Mapping[str, object]) -> list[str]:
    """Options as they are typed: nothing for None and False, a flag for True, paths from the root of the file system.

    Args:
        given: The name of each option, such as `--to`, to its value.
    """
    words: list[str] = []
    for name, value in given.items():
        if value is True:
            words.append(name)
        elif value is not None and value is not False:
            words += [name, str(value.absolute() if isinstance(value, Path) else value)]
    return words
