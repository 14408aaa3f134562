"""The work of `scratch new`, where cookiecutter is installed: `python -m cli.new ROOT ANSWERS`."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import click

from cli.new.request import EXPERIMENTS
from utils.errors import InputError
from utils.files import cannot_write
from utils.terminal.processes import interruptible
from utils.terminal.run import run_command

OPTIONAL = {"notebook": ("notebooks",), "exercises": ("exercises.yaml", "tests/test_exercises.py")}
"""What a chapter can do without, and what that leaves out of it."""


@click.command()
@click.argument("root", type=click.Path(path_type=Path))
@click.argument("answers", type=json.loads)
def make(root: Path, answers: dict[str, str]) -> None:
    """Make the chapter, and say what comes next."""
    folder = root / "models" / answers["chapter"]
    try:
        with interruptible(), tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as beside:
            made = render(root / "template", answers, Path(beside))
            os.rename(made, folder)  # whole, or not at all
    except OSError as error:
        raise cannot_write(folder, error) from error
    click.echo(_next(answers))


def render(template: Path, answers: dict[str, str], into: Path) -> Path:
    """Fill the template in, without what the chapter does without.

    Returns:
        The chapter's folder, in `into`.

    Raises:
        InputError: A file of the template cannot be filled in.
    """
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_context, generate_files
    from jinja2 import TemplateError

    try:
        context = generate_context(str(template / "cookiecutter.json"), extra_context=answers)
        chapter = Path(generate_files(str(template), context, str(into), accept_hooks=False))
    except (CookiecutterException, TemplateError) as error:
        raise InputError(f"{template} cannot be filled in: {error}; see what was changed there") from error
    for experiment in set(EXPERIMENTS.values()) - {answers["experiment"]}:
        (chapter / f"config/experiment/{experiment}.yaml").unlink()
    for part, files in OPTIONAL.items():
        for file in files if answers[part] == "no" else ():
            path = chapter / file
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return chapter


def _next(answers: dict[str, str]) -> str:
    number, exercises = answers["number"], answers["exercises"] == "yes"
    commands = {
        f"./scratch train {number} --experiment {answers['experiment']} --visualize": "it learns already",
        f"./scratch test {number}": "its own tests",
        f"./scratch mutants {number}": "whether they notice a lost idea",
        **({f"./scratch check {number} --prove": "whether the exercises grade"} if exercises else {}),
        f"./scratch reproduce {number}": "its claims, results.json and the tables",
        "./scratch parity": "its rows in docs/parity.md",
    }
    width = max(map(len, commands))
    lines = [f"    {command:<{width}}   # {what}" for command, what in commands.items()]
    return "\n".join(
        [f"models/{answers['chapter']} is made. Next:", "", *lines, "", "Then follow template/TEMPLATE_GUIDE.md."]
    )


if __name__ == "__main__":
    run_command(make, "scratch new")
