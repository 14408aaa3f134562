"""The work of `scratch check`, in the chapter's environment: `python -m cli.grading.check CHAPTER COPY LIMIT`."""

from pathlib import Path

import click

from cli.grading.messages import name_in_words
from cli.grading.outcome import Failure, Outcome
from cli.grading.runner import Trials
from cli.grading.spec import Exercises, Part
from cli.grading.worker import Trial
from cli.grading.workspace import Workspace
from utils.terminal.run import run_command


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path))
@click.argument("copy", type=click.Path(path_type=Path))
@click.argument("limit", type=float)
@click.argument("name", required=False)
def check(chapter: Path, copy: Path, limit: float, name: str | None) -> int:
    """Grade the parts in order, up to the first that fails; returns the exit code."""
    exercises = Exercises(chapter)
    workspace = Workspace(copy, exercises)
    sources = workspace.sources()
    parts = (exercises.part(name),) if name else exercises.parts
    trials = Trials(chapter, limit)
    for number, part in enumerate(parts):
        outcome = trials.run(Trial(part.part, sources, part.tests))
        why = reason(part, outcome)
        if why:
            _show(exercises, parts[:number], part, parts)
            _say(workspace, part, outcome, why)
            if outcome.failure is None or not outcome.failure.broken:  # then it says nothing about the part
                workspace.stopped_at(part)
            return 1
    _show(exercises, parts, None, parts)
    if not name:
        workspace.stopped_at(None)
        click.echo(f"\nAll parts pass. Now train your own: ./scratch train workspace/{copy.name} --experiment NAME")
    return 0


def reason(part: Part, outcome: Outcome) -> str:
    """Why `part` does not pass, in words; empty where it does."""
    failure = outcome.failure
    if failure is None:
        return f"it cannot be checked here: {outcome.skipped[0]}" if outcome.skipped else ""
    if failure.missing:
        return f"part {part.part} is not written yet: {failure.missing}"
    if failure.test and not failure.broken:
        return f"{name_in_words(failure.test)}: this does not hold yet.\n{failure.said}"
    return failure.said


def _show(exercises: Exercises, passed: tuple[Part, ...], failed: Part | None, parts: tuple[Part, ...]) -> None:
    width = max(len(part.part) for part in parts)
    for part in parts:
        mark = "[x]" if part in passed else "[!]" if part is failed else "[ ]"
        click.echo(f"{mark} {part.part:<{width}}  {exercises.region(part).what}")


def _say(workspace: Workspace, part: Part, outcome: Outcome, why: str) -> None:
    first, *rest = why.splitlines()
    click.echo("\n" + "\n".join([first[:1].upper() + first[1:], *(f"    {line}" for line in rest)]))
    if outcome.printed:
        click.echo("\nYour code printed:\n" + "\n".join(f"    {line}" for line in outcome.printed.splitlines()))
    place = _place(workspace, part, outcome.failure)
    click.echo(f"\nWrite it here: {place}\nA hint:        ./scratch exercise {workspace.folder.name} --hint")


def _place(workspace: Workspace, part: Part, failure: Failure | None) -> str:
    """File and line to go to, in the learner's copy."""
    region = workspace.exercises.region(part)
    file, line = region.file, 0
    if failure is not None and failure.file:
        file, line = failure.file, failure.line
    else:
        text = workspace.sources()[file].splitlines()
        line = next((n for n, code in enumerate(text, start=1) if f"# exercise {part.part}:" in code), 1)
    return f"workspace/{workspace.folder.name}/{file}:{line}"


if __name__ == "__main__":
    run_command(check, "scratch check")
