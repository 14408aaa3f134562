"""The work of `scratch mutants`, in the chapter's environment: `python -m cli.grading.mutants CHAPTER LIMIT`."""

from pathlib import Path

import click

from cli.grading.blanks import read_sources
from cli.grading.messages import name_in_words
from cli.grading.outcome import Outcome
from cli.grading.runner import Trials
from cli.grading.spec import Mutant, read_mutants
from cli.grading.worker import Trial
from utils.errors import RunError
from utils.terminal.run import run_command
from utils.terminal.table import table

JOBS = 2
UNCHANGED = "the chapter as it is"


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path))
@click.argument("limit", type=float)
def mutate(chapter: Path, limit: float) -> int:
    """Apply each edit to a copy and run the tests there; returns the exit code."""
    mutants = {mutant.name: mutant for mutant in read_mutants(chapter)}
    sources = read_sources(chapter)
    edited = [Trial(name, _edited(mutant, sources), mutant.tests) for name, mutant in mutants.items()]
    wanted = {test for trial in edited for test in trial.tests}
    unchanged = Trial(UNCHANGED, {}, tuple(sorted(wanted)) if all(trial.tests for trial in edited) else ())
    killers: dict[str, str] = {}
    for trial, outcome in Trials(chapter, limit).run_all([unchanged, *edited], JOBS):
        if trial is unchanged:
            _must_pass(outcome, chapter)
        else:
            killers[trial.name] = _killer(outcome)
    rows = [(name, killers[name] or "SURVIVES") for name in mutants]
    click.echo(table(("what is lost", "noticed by"), rows))
    killed = sum(map(bool, killers.values()))
    click.echo(f"\n{killed} of {len(mutants)} idea mutants of {chapter.name} are noticed by its tests")
    return 0 if killed == len(mutants) else 1


def _edited(mutant: Mutant, sources: dict[str, str]) -> dict[str, str]:
    return {mutant.file: sources[mutant.file].replace(mutant.replace, mutant.by)}


def _must_pass(outcome: Outcome, chapter: Path) -> None:
    failure = outcome.failure
    if failure is not None:
        raise RunError(f"{chapter.name} fails {failure.test} without any edit: {failure.said or failure.missing}")


def _killer(outcome: Outcome) -> str:
    """The test that failed; empty where none did, or where the edit left nothing that could be tested."""
    failure = outcome.failure
    if failure is None or failure.broken or not failure.test:
        return ""
    return name_in_words(failure.test)


if __name__ == "__main__":
    run_command(mutate, "scratch mutants")
