"""The work of `scratch export`, in the chapter's environment: `python -m deployment.export CHAPTER --checkpoint …`."""

from pathlib import Path

import click

from utils.terminal.processes import interruptible
from utils.terminal.run import run_command
from utils.terminal.table import table


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path))
@click.option("--checkpoint", required=True)
@click.option("--format", "forms", multiple=True, required=True)
@click.option("--to", "folder", type=click.Path(path_type=Path))
@click.option("--triton-backend", required=True)
@click.option("--force", is_flag=True)
@click.option("--outputs", type=click.Path(path_type=Path))
@click.option("--debug", is_flag=True)
def export(
    chapter: Path,
    checkpoint: str,
    forms: tuple[str, ...],
    folder: Path | None,
    triton_backend: str,
    force: bool,
    outputs: Path | None,
    debug: bool,
) -> None:
    """Export a checkpoint, and say how far each form is from it."""
    from deployment.export.bundle import bundle
    from inference.predictor import Predictor

    predictor = Predictor.from_checkpoint(chapter, checkpoint, outputs)
    to = folder or (outputs or chapter / "outputs") / "exports" / predictor.run_id
    with interruptible():
        found = bundle(predictor, forms, to, force, triton_backend)
    rows = [[form, f"{difference:.1e}"] for form, difference in found.items()]
    click.echo(f"{to}\n\n{table(['format', 'largest difference'], rows)}")


if __name__ == "__main__":
    run_command(export, "scratch export")
