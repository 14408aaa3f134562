"""The work of `scratch check --prove`, in the chapter's environment: `python -m cli.grading.prove CHAPTER LIMIT`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from cli.grading.outcome import Failure, Outcome
from cli.grading.runner import Trials
from cli.grading.spec import Exercises, Part
from cli.grading.worker import Trial
from utils.terminal.run import run_command

JOBS = 2


class Proof(NamedTuple):
    """A copy that a learner might hand in, and what the graders should say."""

    trial: Trial
    verdict: Callable[[Outcome], str]
    """What is amiss with how it went; empty where it went as it should."""


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path))
@click.argument("limit", type=float)
def prove(chapter: Path, limit: float) -> int:
    """Grade blank copies, the solution, and every wrong solution; returns the exit code."""
    proofs = {proof.trial.name: proof for proof in proofs_of(Exercises(chapter))}
    amiss = 0
    for trial, outcome in Trials(chapter, limit).run_all([proof.trial for proof in proofs.values()], JOBS):
        said = proofs[trial.name].verdict(outcome)
        amiss += bool(said)
        click.echo(f"{'AMISS' if said else 'ok':<7}{trial.name}" + (f"\n       {said}" if said else ""))
    click.echo(f"{len(proofs) - amiss} of {len(proofs)} copies of {chapter.name} are graded as they should be")
    return 1 if amiss else 0


def proofs_of(exercises: Exercises) -> list[Proof]:
    """The solution; for each part, a copy in which it and all later ones are blank, and one for each wrong solution."""
    every = tuple(test for part in exercises.parts for test in part.tests)
    proofs = [Proof(Trial("the solution passes", {}, every), _passes)]
    for number, part in enumerate(exercises.parts):
        earlier = tuple(test for before in exercises.parts[:number] for test in before.tests)
        tests = (*earlier, *(test for test in part.tests if test not in earlier))
        blank = Trial(f"{part.part}: blank", exercises.blanked(exercises.parts[number:]), tests)
        proofs.append(Proof(blank, partial(_is_missing, part, exercises.region(part).what)))
        for wrong in part.wrong:
            trial = Trial(f"{part.part}: {wrong.because}", exercises.mistaken(part, wrong), tests)
            proofs.append(Proof(trial, partial(_is_caught, part)))
    return proofs


def _passes(outcome: Outcome) -> str:
    if outcome.skipped:
        return f"skipped: {outcome.skipped[0]}"
    return f"it fails {outcome.failure.test}: {outcome.failure.said}" if outcome.failure else ""


def _is_missing(part: Part, what: str, outcome: Outcome) -> str:
    if outcome.failure is None:
        return "its tests pass without it"
    if outcome.failure.missing != what:
        return (
            f"{outcome.failure.test} should say '{what}', and says: {outcome.failure.missing or outcome.failure.said}"
        )
    return _is_caught(part, outcome)


def _is_caught(part: Part, outcome: Outcome) -> str:
    if outcome.failure is None:
        return "its tests pass"
    if not _is_one_of(outcome.failure, part):
        return f"it is caught by {outcome.failure.test or 'no test'}, not of this part: {outcome.failure.said}"
    return ""


def _is_one_of(failure: Failure, part: Part) -> bool:
    names = failure.test, failure.test.partition("[")[0], failure.test.partition("::")[0]
    return not failure.broken and any(test in names for test in part.tests)


if __name__ == "__main__":
    run_command(prove, "scratch check --prove")
