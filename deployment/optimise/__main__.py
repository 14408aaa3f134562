"""`python -m deployment.optimise CHAPTER …`: the work of `scratch optimise`, in the chapter's environment."""

from pathlib import Path

import click

from utils.terminal.processes import interruptible
from utils.terminal.run import run_command


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path))
@click.option("--checkpoint", required=True)
@click.option("--prune", type=float)
@click.option("--epochs", type=int)
@click.option("--to", "folder", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True)
@click.option("--outputs", type=click.Path(path_type=Path))
@click.option("--debug", is_flag=True)
def optimise(
    chapter: Path,
    checkpoint: str,
    prune: float | None,
    epochs: int | None,
    folder: Path | None,
    force: bool,
    outputs: Path | None,
    debug: bool,
) -> None:
    """Make the model of a checkpoint smaller, and say what that brought and cost."""
    from deployment.optimise.original import Original

    with interruptible():
        original = Original.of(chapter, checkpoint, outputs or chapter / "outputs")
        if prune is not None:
            from deployment.optimise.pruning import prune_model

            return prune_model(original, prune, epochs, folder, force)
        from deployment.optimise.quantizing import quantize_model

        quantize_model(original, folder, force)


if __name__ == "__main__":
    run_command(optimise, "scratch optimise")
