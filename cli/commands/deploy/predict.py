"""`scratch predict`."""

from pathlib import Path

import click

from cli.options import CHECKPOINT, DEBUG, DEVICE, OUTPUTS, passed_on
from project.chapters import Project
from utils.terminal.processes import become


@click.command("predict")
@click.argument("chapter", metavar="NN")
@CHECKPOINT
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
@click.option(
    "--batch-size", type=click.IntRange(1, 1_000_000), metavar="N", help="Examples that go through at a time."
)
@DEVICE
@click.option(
    "--output", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True, help="The form."
)
@OUTPUTS
@DEBUG
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
    """Ask a trained model of chapter NN.

    \b
        scratch predict 01 --checkpoint latest --input 0,1
        scratch predict 03 --checkpoint latest --input digit.png --top 5
    """
    place = project.trained(chapter, checkpoint, outputs)
    venv = project.venv(place)
    venv.ensure("base")
    given = {
        "--checkpoint": checkpoint,
        "--input": source,
        "--top": top,
        "--threshold": threshold,
        "--batch-size": batch_size,
        "--device": device,
        "--output": output,
        "--outputs": outputs,
        "--debug": debug,
    }
    become(venv.python, ["-P", "-m", "cli.predict_tool", str(place.folder), *passed_on(given)])
