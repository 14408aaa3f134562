"""`scratch profile`."""

import click

from cli.commands.train.train import start
from experiment.options import PROFILED_STEPS
from project.chapters import Project


@click.command("profile", context_settings={"ignore_unknown_options": True})
@click.argument("chapter", metavar="NN")
@click.option("--steps", type=PROFILED_STEPS, default=20, show_default=True, help="Training steps to profile.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(project: Project, chapter: str, steps: int, arguments: tuple[str, ...]) -> None:
    """Measure where the time and the memory of training steps of chapter NN go.

    Everything but --steps goes to the chapter's train.py. For instance

    \b
        scratch profile 01 --experiment xor --steps 50

    prints the operators that cost most, FLOPs and memory, and writes a trace under the chapter's outputs/profiles/.
    """
    start(project, chapter, "train.py", ("--profile", str(steps), *arguments))
