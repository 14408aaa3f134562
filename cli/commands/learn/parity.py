"""`scratch parity`."""

from concurrent.futures import ThreadPoolExecutor

import click

from project.chapters import Project
from utils.errors import InputError
from utils.terminal.processes import Children

AT_ONCE = 2


@click.command("parity")
@click.option("--check", is_flag=True, help="Write nothing; the exit code is 1 where the table has other rows.")
@click.pass_obj
def command(project: Project, check: bool) -> int:
    """Compare all chapters with independent implementations, and write the table of docs/parity.md.

    Runs the chapters' tests that call `agree(..., against=...)`.
    """
    from cli.grading.parity import DOCUMENT, changes, measure, with_table
    from utils.files import write_atomic

    path = project.root / DOCUMENT
    if not path.is_file():
        raise InputError(f"{path} is missing; the table stands there between two markers")
    chapters = project.chapters()
    venvs = [project.venv(chapter) for chapter in chapters]
    for venv in venvs:
        venv.ensure("dev")
    with ThreadPoolExecutor(AT_ONCE) as pool, Children() as children:
        found = pool.map(lambda c, v: measure(c.folder, v.python, project.root, children), chapters, venvs)
        rows = [row for chapter in found for row in chapter]
    committed = path.read_text("utf-8")
    if not check:
        write_atomic(path, with_table(committed, rows))
    different = changes(committed, rows)
    for line in different:
        click.echo(line)
    said = "the table has other rows; `./scratch parity` writes them" if check and different else DOCUMENT
    click.echo(f"{len(rows)} comparisons in {len(chapters)} chapters agree; {said}")
    return 1 if check and different else 0
