"""`scratch optimise`."""

from pathlib import Path

import click

from cli.environment import continue_in
from cli.options import CHECKPOINT, DEBUG, OUTPUTS, PATH
from project.chapters import Project
from utils.errors import InputError


@click.command("optimise")
@click.argument("chapter", metavar="NN")
@CHECKPOINT
@click.option("--prune", type=float, metavar="SHARE", help="Set this share of the weights to zero, and train on.")
@click.option("--quantize", type=click.Choice(["int8"]), help="Export to ONNX with weights of so many bits.")
@click.option("--epochs", type=click.IntRange(min=0), metavar="N", help="Train on for N epochs after pruning.")
@click.option("--to", "folder", type=PATH, help="Where the report goes; default: outputs/.")
@click.option("--force", is_flag=True, help="Replace an earlier report.")
@OUTPUTS
@DEBUG
@click.pass_obj
def command(
    project: Project,
    chapter: str,
    checkpoint: str,
    prune: float | None,
    quantize: str | None,
    epochs: int | None,
    folder: Path | None,
    force: bool,
    outputs: Path | None,
) -> None:
    """Make a trained model of chapter NN smaller, and measure what that brings and costs.

    \b
        scratch optimise 03 --checkpoint latest --prune 0.5
        scratch optimise 03 --checkpoint latest --quantize int8
    """
    if (prune is None) == (quantize is None):
        raise InputError("give one of --prune SHARE and --quantize int8")
    if prune is not None and not 0 <= prune < 1:
        raise InputError(f"--prune {prune:g}: give the share of the weights to set to zero, from 0 to less than 1")
    if epochs is not None and prune is None:
        raise InputError("--epochs is for --prune: --quantize does not train")
    place = project.trained(chapter, checkpoint, outputs)
    continue_in(project.venv(place), "export" if quantize else "base")
    from utils.terminal.processes import interruptible

    with interruptible():
        from deployment.optimise.original import Original

        original = Original.of(place.folder, checkpoint, outputs or place.folder / "outputs")
        if prune is not None:
            from deployment.optimise.pruning import prune_model

            return prune_model(original, prune, epochs, folder, force)
        from deployment.optimise.quantizing import quantize_model

        quantize_model(original, folder, force)
