"""`scratch demo`."""

import json
import os
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import click

from project.chapters import Chapter, Project
from utils.errors import RunError
from utils.terminal.processes import Children
from utils.terminal.table import table

CHAPTER = "01_perceptron"


class Lesson(NamedTuple):
    """An experiment of the demo, and what it is there to show."""

    experiment: str
    expectation: str
    holds: Callable[[float], bool]
    """Whether an accuracy is as expected."""


LESSONS = (
    Lesson("and", "100 %: a line separates the classes", lambda accuracy: accuracy == 1.0),
    Lesson("xor", "at most 75 %: no line does", lambda accuracy: accuracy <= 0.75),
)


@dataclass(frozen=True)
class Outcome:
    """What one experiment of the demo came to."""

    accuracy: float
    """Of the best checkpoint, as src/evaluate.py measured it."""
    pictures: Path
    """The folder of its plots."""


@click.command("demo")
@click.pass_obj
def command(project: Project) -> int:
    """Train a perceptron on AND, which it learns, and on XOR, which it cannot; then show the pictures.

    Needs no account and no network once its packages are installed.
    """
    chapter = project.chapter(CHAPTER)
    venv = project.venv(chapter)
    venv.ensure("base")
    started = time.monotonic()
    click.echo("training and evaluating a perceptron on AND and on XOR ...", err=True)
    with ThreadPoolExecutor(len(LESSONS)) as pool, Children() as children:
        runs = pool.map(lambda lesson: _run(lesson.experiment, chapter, venv.python, children), LESSONS)
        outcomes = list(zip(LESSONS, runs, strict=True))
    click.echo(f"A perceptron, trained and evaluated in {time.monotonic() - started:.1f} s:\n")
    rows = [
        (lesson.experiment, f"{outcome.accuracy:.0%}", lesson.expectation, _verdict(lesson, outcome))
        for lesson, outcome in outcomes
    ]
    click.echo(table(("experiment", "accuracy", "expected", ""), rows))
    click.echo("\nPictures; evaluation_decision_boundary.png is the best line that it found:")
    for _, outcome in outcomes:
        click.echo(f"  {os.path.relpath(outcome.pictures)}")
    click.echo(f"\nWhy XOR defeats it:    {os.path.relpath(chapter.folder / 'README.md')}")
    click.echo("Would more time help?  ./scratch train 01 --experiment xor --epochs 1000 --visualize")
    click.echo("What else there is:    ./scratch list")
    return 0 if all(lesson.holds(outcome.accuracy) for lesson, outcome in outcomes) else 1


def _verdict(lesson: Lesson, outcome: Outcome) -> str:
    return "as expected" if lesson.holds(outcome.accuracy) else "NOT AS EXPECTED"


def _run(experiment: str, chapter: Chapter, python: Path, children: Children) -> Outcome:
    """Train, then evaluate the best checkpoint, as anyone would by hand."""
    outputs = chapter.folder / "outputs"
    arguments = ("--experiment", experiment)
    printed = _script(chapter, python, children, "train.py", *arguments, "--visualize", "--no-wandb")
    found = re.search(r"run (\S+) finished", printed)
    if found is None:
        raise RunError(f"train.py of {chapter.name} did not say which run it finished, as in 'run ID finished'")
    run_id = found[1]
    run = outputs / "models" / run_id
    best = ("--checkpoint", str(run / "model_best.pt"), "--plot", "decision_boundary")
    _script(chapter, python, children, "evaluate.py", *arguments, *best)
    evaluation = json.loads((run / f"evaluation-{experiment}.json").read_text(encoding="utf-8"))
    return Outcome(evaluation["metrics"]["accuracy"], outputs / "visualizations" / run_id)


def _script(chapter: Chapter, python: Path, children: Children, script: str, *arguments: str) -> str:
    """Run a script of the chapter to its end and return what it printed."""
    with tempfile.TemporaryFile() as output:
        command = [str(python), str(chapter.folder / "src" / script), *arguments]
        code = children.run(command, chapter.folder, output, {"OMP_NUM_THREADS": "1"})
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if code != 0:
        last = (printed.strip().splitlines() or ["it printed nothing"])[-1].removeprefix("error: ")
        raise RunError(f"{script} {' '.join(arguments)} ended with exit code {code}: {last}")
    return printed
