"""The `scratch` command."""

from typing import NoReturn

import click

from project.chapters import Project
from project.unwritten import not_written_yet
from utils.terminal.groups import LazyGroup
from utils.terminal.run import run_command

# By what one comes for; each section is a folder of cli/commands/.
COMMANDS = {
    "learn": {
        "demo": "Train the first chapter on AND and XOR, and show what it can and cannot do.",
        "list": "List the chapters and their experiments.",
        "exercise": "Copy a chapter, with its core left for you to write.",
        "check": "Grade what you wrote, part by part.",
        "mutants": "Show that a chapter's tests notice a lost idea.",
        "parity": "Compare the chapters with independent implementations.",
        "new": "Make a new chapter that trains and passes its tests at once.",
    },
    "train": {
        "train": "Train a chapter's model on one of its experiments.",
        "evaluate": "Evaluate a checkpoint.",
        "sweep": "Train an experiment with many settings, and find the best.",
        "reproduce": "Train experiments on all their seeds, and check every claim.",
        "compare": "Hold a run against the band of its experiment.",
        "replay": "Make a run again and compare the two.",
        "checkpoints": "List, verify and prune the checkpoints of a chapter.",
        "profile": "Measure where the time and the memory of a training go.",
        "track": "Show a recorded run on TensorBoard, wandb or MLflow.",
    },
    "deploy": {
        "predict": "Ask a trained model.",
        "serve": "Serve a trained model over HTTP.",
        "export": "Write a trained model as ONNX, torch.export, safetensors, or for Triton.",
        "tritonserver": "Start Triton Inference Server on an exported model.",
        "registry": "Keep trained models as versions, and say which is in use.",
        "optimise": "Make a trained model smaller, by pruning or int8.",
        "ui": "Try a model in the browser, or look at all runs.",
    },
    "project": {
        "setup": "Make the virtual environments of chapters.",
        "test": "Run the tests, those of each chapter in its own environment.",
        "governance": "Write the pages on data sets and dependencies, or check them.",
        "lint": "Check the style, the types and the layers of the code.",
        "data": "List, download and verify the data sets.",
        "doctor": "Check that everything the project needs is there.",
    },
}


@click.group(cls=LazyGroup, package="cli.commands", sections=COMMANDS, invoke_without_command=True)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def group(context: click.Context, debug: bool) -> None:
    """Neural networks from the perceptron onwards, each written from scratch.

    Start with `scratch demo`.
    """
    if context.obj is None:
        context.obj = Project()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main() -> NoReturn:
    """Run the command line and end the process."""
    run_command(group, "scratch", not_written_yet)
