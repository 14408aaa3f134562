"""`scratch predict`."""

from pathlib import Path

import click

from cli.environment import continue_in
from cli.options import CHECKPOINT, DEBUG, DEVICE, OUTPUTS
from cli.predictions import FORMS, write
from project.chapters import Project


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
@click.option("--output", "form", type=click.Choice(list(FORMS)), default="table", show_default=True, help="The form.")
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
    form: str,
    outputs: Path | None,
) -> None:
    """Ask a trained model of chapter NN.

    \b
        scratch predict 01 --checkpoint latest --input 0,1
        scratch predict 03 --checkpoint latest --input digit.png --top 5
    """
    place = project.trained(chapter, checkpoint, outputs)
    continue_in(project.venv(place), "base")
    from inference.answers import PredictOptions
    from inference.files import read_examples
    from inference.predictor import BATCH_SIZE, Predictor
    from utils.schema import validate

    predictor = Predictor.from_checkpoint(place.folder, checkpoint, outputs, device)
    given = {name: value for name, value in (("top", top), ("threshold", threshold)) if value is not None}
    options = validate(PredictOptions, given, "the options")
    write(form, predictor.stream(read_examples(source, predictor.data), options, batch_size or BATCH_SIZE))
