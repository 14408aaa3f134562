"""`scratch export`."""

from pathlib import Path

import click

from cli.chapters import Project
from cli.processes import become
from utils.errors import unknown

FORMATS = ("onnx", "torch", "safetensors", "triton")


@click.command("export")
@click.argument("chapter", metavar="NN")
@click.option("--checkpoint", required=True, metavar="REF", help="A file, a run id, 'latest', or a wandb artifact.")
@click.option(
    "--format", "formats", multiple=True, required=True, metavar="NAME", help=f"{', '.join(FORMATS)}; may be repeated."
)
@click.option("--to", type=click.Path(path_type=Path), metavar="FOLDER", help="Default: exports/ in the outputs.")
@click.option(
    "--triton-backend",
    type=click.Choice(["python", "onnxruntime"]),
    default="python",
    show_default=True,
    help="What runs the model in Triton.",
)
@click.option("--force", is_flag=True, help="Replace an earlier export.")
@click.option(
    "--outputs", type=click.Path(path_type=Path), help="Where the results are; default: the chapter's outputs/."
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
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
    r"""Write a trained model of chapter NN in other formats, each compared with the checkpoint.

    \b
        scratch export 03 --checkpoint latest --format onnx --to digits
        scratch export 03 --checkpoint latest --format triton --format torch
    """
    for name in formats:
        if name not in FORMATS:
            raise unknown("format", name, FORMATS)
    place = project.served(chapter)
    venv = project.venv(place)
    venv.ensure("export")
    given = {"--to": to and to.absolute(), "--outputs": outputs and outputs.absolute()}
    options = [text for name, value in given.items() if value is not None for text in (name, str(value))]
    options += [text for name in dict.fromkeys(formats) for text in ("--format", name)]
    flags = [flag for flag, wanted in (("--force", force), ("--debug", debug)) if wanted]
    fixed = ["--checkpoint", checkpoint, "--triton-backend", triton_backend]
    become(venv.python, ["-P", "-m", "deployment.export", str(place.folder), *fixed, *options, *flags])
