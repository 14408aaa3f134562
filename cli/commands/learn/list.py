"""`scratch list`."""

import click

from project.chapters import Chapter, Project


@click.command("list")
@click.pass_obj
def command(project: Project) -> None:
    """List the chapters: title, year, paper and experiments."""
    click.echo("\n\n".join(describe(chapter) for chapter in project.chapters()))


def describe(chapter: Chapter) -> str:
    """A chapter in a few lines."""
    constants = chapter.constants()
    title = f"{chapter.name}  {constants.get('TITLE', '')} ({constants.get('YEAR', 'undated')})"
    source = [f"  {_names(constants.get('AUTHORS', ''))}: {constants['PAPER']}"] if "PAPER" in constants else []
    experiments = chapter.experiments()
    width = max((len(experiment.name) for experiment in experiments), default=0)
    return "\n".join([title, *source, *(f"    {e.name:<{width}}  {e.goal}" for e in experiments)])


def _names(authors: object) -> str:
    return ", ".join(map(str, authors)) if isinstance(authors, (list, tuple)) else str(authors)
