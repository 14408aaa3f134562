"""`scratch export`."""

from pathlib import Path

import click

from cli.environment import continue_in
from cli.options import CHECKPOINT, DEBUG, OUTPUTS, PATH
from deployment.export.names import FORMS, TRITON_BACKENDS
from project.chapters import Project
from utils.errors import unknown


@click.command("export")
@click.argument("chapter", metavar="NN")
@CHECKPOINT
@click.option(
    "--format", "formats", multiple=True, required=True, metavar="NAME", help=f"{', '.join(FORMS)}; may be repeated."
)
@click.option("--to", "folder", type=PATH, metavar="FOLDER", help="Default: exports/ in the outputs.")
@click.option(
    "--triton-backend",
    type=click.Choice(TRITON_BACKENDS),
    default="python",
    show_default=True,
    help="What runs the model in Triton.",
)
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@OUTPUTS
@DEBUG
@click.pass_obj
def command(
    project: Project,
    chapter: str,
    checkpoint: str,
    formats: tuple[str, ...],
    folder: Path | None,
    triton_backend: str,
    force: bool,
    outputs: Path | None,
) -> None:
    """Write a trained model of chapter NN in other formats, each compared with the checkpoint.

    \b
        scratch export 03 --checkpoint latest --format onnx --to digits
        scratch export 03 --checkpoint latest --format triton --format torch
    """
    for name in formats:
        if name not in FORMS:
            raise unknown("format", name, FORMS)
    place = project.served(chapter)
    continue_in(project.venv(place), "export")
    from deployment.export.bundle import bundle
    from inference.predictor import Predictor
    from utils.terminal.processes import interruptible
    from utils.terminal.table import table

    predictor = Predictor.from_checkpoint(place.folder, checkpoint, outputs)
    to = folder or (outputs or place.folder / "outputs") / "exports" / predictor.run_id
    with interruptible():
        written = bundle(predictor, tuple(dict.fromkeys(formats)), to, force, triton_backend)
    rows = [[form, f"{difference:.1e}"] for form, difference in written.items()]
    click.echo(f"{to}\n\n{table(['format', 'largest difference'], rows)}")
