"""`scratch predict`."""

from pathlib import Path

import click

from cli.chapters import Project
from cli.processes import become


@click.command("predict")
@click.argument("chapter", metavar="NN")
@click.option("--checkpoint", required=True, metavar="REF", help="A file, a run id, 'latest', or a wandb artifact.")
@click.option(
    "--input",
    "source",
    required=True,
    metavar="SOURCE",
    help="A picture, a CSV, JSON or text file, - for stdin, or an example itself, such as 0,1.",
)
@click.option("--top", type=click.IntRange(min=1), metavar="K", help="Name the K most likely classes.")
@click.option(
    "--threshold", type=float, metavar="T", help="Least probability of a label; or the score where class 1 begins."
)
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Examples that go through at a time.")
@click.option("--device", metavar="NAME", default="cpu", show_default=True, help="cpu, cuda, mps or auto.")
@click.option(
    "--output", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True, help="The form."
)
@click.option(
    "--outputs", type=click.Path(path_type=Path), help="Where the results are; default: the chapter's outputs/."
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_obj
def command(
    project: Project,
    chapter: str,
    checkpoint: str,
    source: str,
    top: int | None,
    threshold: float | None,
    batch_size: int | None,
    device: str,
    output: str,
    outputs: Path | None,
    debug: bool,
) -> None:
    r"""Ask a trained model of chapter NN.

    \b
        scratch predict 01 --checkpoint latest --input 0,1
        scratch predict 03 --checkpoint latest --input digit.png --top 5
    """
    place = project.served(chapter)
    venv = project.venv(place)
    venv.ensure("base")
    given = {
        "--top": top,
        "--threshold": threshold,
        "--batch-size": batch_size,
        "--outputs": outputs and outputs.absolute(),
    }
    options = [text for name, value in given.items() if value is not None for text in (name, str(value))]
    fixed = ["--checkpoint", checkpoint, "--input", source, "--device", device, "--output", output]
    flags = ["--debug"] if debug else []
    become(venv.python, ["-P", "-m", "cli.predict_tool", str(place.folder), *fixed, *options, *flags])
