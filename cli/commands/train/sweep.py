"""`scratch sweep`."""

import re

import click

from cli.sweep.request import Request
from cli.sweep.space import parse
from project.chapters import Project
from utils.errors import InputError
from utils.terminal.processes import become


@click.command("sweep")
@click.argument("chapter", metavar="NN")
@click.argument("settings", nargs=-1, metavar="KEY=VALUES...")
@click.option("--experiment", required=True, metavar="NAME", help="The experiment to train again and again.")
@click.option("--trials", type=click.IntRange(min=1), default=20, show_default=True, help="Trainings in all.")
@click.option("--jobs", type=click.IntRange(1, 1024), default=2, show_default=True, help="Trainings at a time.")
@click.option("--metric", metavar="NAME", default="", help="What to look at; validation/accuracy unless given.")
@click.option("--mode", type=click.Choice(["min", "max"]), help="Which way is better; min for a loss or an error.")
@click.option("--name", metavar="NAME", help="The sweep's folder under outputs/sweeps/; the experiment unless given.")
@click.option("--resume", is_flag=True, help="Go on with the sweep of that name, up to --trials in all.")
@click.option("--no-prune", is_flag=True, help="Let every training go to its end.")
@click.option("--wandb", is_flag=True, help="Log the trainings to Weights & Biases.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_obj
def command(
    project: Project,
    chapter: str,
    settings: tuple[str, ...],
    experiment: str,
    trials: int,
    jobs: int,
    metric: str,
    mode: str | None,
    name: str | None,
    resume: bool,
    no_prune: bool,
    wandb: bool,
    debug: bool,
) -> None:
    """Train an experiment of chapter NN with many settings, and find the best.

    KEY=VALUES says what a setting may be: log(a,b), uniform(a,b), int(a,b) or choice(a,b,...). A plain KEY=VALUE is
    the same for every training. For instance

    \b
        scratch sweep 01 --experiment xor --metric train/accuracy 'model.learning_rate=log(1e-3,10)'
    """
    if settings or not resume:
        parse(settings)
    name = name or experiment
    if not re.fullmatch(r"\w[\w.-]*", name):
        raise InputError(f"--name '{name}': use letters, digits, dots, dashes and underscores")
    place = project.chapter(chapter)
    folder = str(place.folder)
    asked = (metric, mode or "", trials, jobs, not no_prune, wandb, resume)
    request = Request(folder, experiment, name, settings, *asked).settled()
    venv = project.venv(place)
    venv.ensure("sweep")
    become(venv.python, ["-P", "-m", "cli.sweep", request.to_json(), *(["--debug"] if debug else [])])
