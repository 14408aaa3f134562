"""`scratch export`."""

from pathlib import Path

import click

from cli.options import CHECKPOINT, DEBUG, FORMS, OUTPUTS, TRITON_BACKENDS, passed_on
from project.chapters import Project
from utils.errors import unknown
from utils.terminal.processes import become


@click.command("export")
@click.argument("chapter", metavar="NN")
@CHECKPOINT
@click.option(
    "--format", "formats", multiple=True, required=True, metavar="NAME", help=f"{', '.join(FORMS)}; may be repeated."
)
@click.option("--to", type=click.Path(path_type=Path), metavar="FOLDER", help="Default: exports/ in the outputs.")
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
    to: Path | None,
    triton_backend: str,
    force: bool,
    outputs: Path | None,
    debug: bool,
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
    venv = project.venv(place)
    venv.ensure("export")
    named = [text for name in dict.fromkeys(formats) for text in ("--format", name)]
    given = {
        "--checkpoint": checkpoint,
        "--triton-backend": triton_backend,
        "--to": to,
        "--outputs": outputs,
        "--force": force,
        "--debug": debug,
    }
    become(venv.python, ["-P", "-m", "deployment.export", str(place.folder), *named, *passed_on(given)])
