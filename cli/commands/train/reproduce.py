"""`scratch reproduce`."""

import click

from experiment.seeds import seeds_of
from project.chapters import Chapter, Project
from utils.errors import InputError, unknown


@click.command("reproduce")
@click.argument("chapters", nargs=-1, metavar="[NN]...")
@click.option("--all", "every", is_flag=True, help="Every chapter.")
@click.option(
    "--module", "modules", type=int, multiple=True, metavar="N", help="The chapters of a module of ROADMAP.md."
)
@click.option(
    "--experiment", "experiments", multiple=True, metavar="NAME", help="Only this one of each chapter; may be repeated."
)
@click.option("--seeds", metavar="SEEDS", default="", help="Such as 0-4 or 0,7; the experiment's own unless given.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Trainings at a time.")
@click.option("--force", is_flag=True, help="Train again what has not changed, too.")
@click.option(
    "--links", "only_links", is_flag=True, help="Check the successor links of the results, and train nothing."
)
@click.pass_obj
def command(
    project: Project,
    chapters: tuple[str, ...],
    every: bool,
    modules: tuple[int, ...],
    experiments: tuple[str, ...],
    seeds: str,
    jobs: int,
    force: bool,
    only_links: bool,
) -> int:
    """Train the experiments of chapters NN on their seeds, and check every claim.

    Writes results.json and bands.json of each chapter, the tables of results in the READMEs, and EXPERIMENTS.md. What
    has not changed since (code, config, data, versions) is not trained again; a call that was stopped goes on with
    what was finished. The exit code is 1 where a claim fails. For instance

    \b
        scratch reproduce 01
        scratch reproduce --module 1
        scratch reproduce --links
    """
    chosen = _chosen(project, chapters, every, modules)
    if only_links:
        if chosen or experiments or seeds or force:
            raise InputError("--links looks at the results of all chapters; give it alone")
        from experiment.reproduce.run import check_links

        return check_links(project)
    if not chosen:
        raise InputError("name a chapter, such as 01, or give --all, --module N or --links")
    for chapter in chosen:
        known = [each.name for each in chapter.experiments()]
        for name in experiments:
            if name not in known:
                raise unknown(f"experiment of {chapter.name}", name, known)
    wanted = tuple(seeds_of(seeds)) if seeds else ()
    from experiment.reproduce.run import reproduce

    return reproduce(project, chosen, experiments, wanted, jobs, force)


def _chosen(project: Project, names: tuple[str, ...], every: bool, modules: tuple[int, ...]) -> list[Chapter]:
    if every:
        return project.chapters()
    known = project.modules() if modules else {}
    for number in modules:
        if number not in known:
            raise unknown("module", str(number), map(str, known))
        if not known[number][1]:
            raise InputError(f"module {number}, {known[number][0]}, has no chapters yet")
    return project.choose((*names, *(chapter.name for number in modules for chapter in known[number][1])))
