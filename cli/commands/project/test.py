"""`scratch test`."""

import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

import click

from cli.suites import Suite
from project.chapters import Project
from utils.errors import InputError
from utils.terminal.processes import Children
from utils.terminal.table import table

AT_ONCE = 2
SLOWEST = 10
SHARED = {"integration": 6, "unit": 2}
"""Folders of tests/, which run in the root's environment, and in how many parts: they take longer than all chapters."""


@click.command("test")
@click.argument("chapters", nargs=-1, metavar="[NN]...")
@click.option("--root", "shared", is_flag=True, help="The tests of the shared packages.")
@click.option("-k", "expression", metavar="EXPRESSION", help="Only tests whose names match, as in pytest.")
@click.pass_obj
def command(project: Project, chapters: tuple[str, ...], shared: bool, expression: str | None) -> int:
    """Run the tests of chapters NN; without NN or --root, all there are.

    The tests of the shared packages run in the root's environment, those of a chapter in its own; two suites run at
    a time. The last line counts them all, and the exit code is 1 if one failed.
    """
    suites = _suites(project, chapters, shared)
    options = ["-k", expression] if expression else []
    with tempfile.TemporaryDirectory() as scratch:
        _run(suites, project.root, options, Path(scratch))
        for suite in suites:
            if suite.failed:
                click.echo(f"\n===== {suite.name} =====\n{suite.output().rstrip()}")
    passed, failed = sum(suite.passed for suite in suites), sum(suite.failed for suite in suites)
    skipped = [f"skipped in {suite.name}: {reason}" for suite in suites for reason in suite.skipped]
    if expression and not passed + failed + len(skipped):
        raise InputError(f"no test matches -k '{expression}'")
    for line in skipped:
        click.echo(line)
    slowest = sorted((time for suite in suites for time in suite.times), reverse=True)[:SLOWEST]
    click.echo("\n" + table(("seconds", "slowest tests"), [(f"{seconds:.1f}", name) for seconds, name in slowest]))
    rows = [(suite.name, suite.passed, suite.failed, len(suite.skipped), round(suite.seconds, 1)) for suite in suites]
    click.echo("\n" + table(("suite", "passed", "failed", "skipped", "seconds"), rows) + "\n")
    click.echo(f"{passed} passed, {failed} failed, {len(skipped)} skipped")
    return 1 if failed else 0


def _suites(project: Project, names: tuple[str, ...], shared: bool) -> list[Suite]:
    """The suites asked for, their environments ready; the root's first, because they take longest."""
    chapters = project.choose(names) if names else [] if shared else project.chapters()
    root = project.venv()
    for venv in [*([root] if shared or not names else []), *map(project.venv, chapters)]:
        venv.ensure("dev")
    suites: list[Suite] = []
    if shared or not names:
        for name, parts in SHARED.items():
            suites += Suite(name, [project.root / "tests" / name], root.python).parts(parts)
    return suites + [Suite(each.name, [each.folder / "tests"], project.venv(each).python) for each in chapters]


def _run(suites: list[Suite], root: Path, options: list[str], scratch: Path) -> None:
    """Run the suites, two at a time, saying how far they are."""
    live = sys.stderr.isatty()
    with ThreadPoolExecutor(AT_ONCE) as pool, Children() as children:
        futures = {pool.submit(suite.run, children, root, options, scratch): suite for suite in suites}
        pending: set[Future[None]] = set(futures)
        while pending:
            done, pending = wait(pending, timeout=0.3)
            for future in done:
                future.result()
            if live:
                running = " | ".join(suite.progress() for future, suite in futures.items() if future.running())
                click.echo(f"\r\033[K{running}", nl=False, err=True)
            else:
                for future in done:
                    click.echo(f"{futures[future].name}: {futures[future].seconds:.1f} s", err=True)
        if live:
            click.echo("\r\033[K", nl=False, err=True)
