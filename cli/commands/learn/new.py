"""`scratch new`."""

import json

import click

from cli.new.request import EXPERIMENTS, Request
from project.chapters import Project
from utils.terminal.processes import become


@click.command("new")
@click.argument("chapter", metavar="NN_NAME")
@click.option("--title", required=True, metavar="TEXT", help="What the chapter is called.")
@click.option("--year", required=True, type=click.IntRange(1800, 2100), help="The year of its paper.")
@click.option("--paper", required=True, metavar="TEXT", help="The title of its paper.")
@click.option("--authors", default="", metavar="TEXT", help="Who wrote the paper.")
@click.option("--url", default="", metavar="URL", help="Where to find the paper.")
@click.option("--module", type=int, metavar="N", help="Its module in ROADMAP.md; the one that plans it, or the last.")
@click.option(
    "--data", type=click.Choice(list(EXPERIMENTS)), default="tabular", show_default=True, help="What it learns first."
)
@click.option("--no-notebook", is_flag=True, help="Without a notebook.")
@click.option("--no-exercises", is_flag=True, help="Without parts for a learner to write.")
@click.pass_obj
def command(
    project: Project,
    chapter: str,
    title: str,
    year: int,
    paper: str,
    authors: str,
    url: str,
    module: int | None,
    data: str,
    no_notebook: bool,
    no_exercises: bool,
) -> None:
    """Make a new chapter, models/NN_NAME, from the template.

    It trains on a small data set and passes its tests at once. template/TEMPLATE_GUIDE.md says what to replace, and how
    to go from there to a finished chapter. For instance

    \b
        scratch new 35_mine --title "My network" --year 2026 --paper "On my network"
    """
    request = Request(chapter, title, year, paper, authors, url, data, not no_notebook, not no_exercises)
    request.check_is_free(project)
    place = request.module(project, module)
    venv = project.venv()
    venv.ensure("new")
    answers = json.dumps(request.answers(place))
    become(venv.python, ["-P", "-m", "cli.new", str(project.root), answers])
