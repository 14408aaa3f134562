"""`scratch governance`."""

from typing import TYPE_CHECKING

import click

from project.chapters import Project

if TYPE_CHECKING:
    from cli.governance.environments import Environment
    from cli.governance.lock import Lock


@click.command("governance")
@click.option("--check", is_flag=True, help="Write nothing; the exit code is 1 where a page is not true.")
@click.option("--refresh", is_flag=True, help="Resolve every list anew, and ask for known vulnerabilities.")
@click.option("--release-notes", metavar="VERSION", help="Print the notes of a release, and nothing else.")
@click.pass_obj
def command(project: Project, check: bool, refresh: bool, release_notes: str | None) -> int:
    """Write the pages of docs/governance on data sets and dependencies.

    The network is needed where a list of packages has changed, and for --refresh.
    """
    if check + refresh + (release_notes is not None) > 1:
        raise click.UsageError("--check, --refresh and --release-notes are three different things; give one of them")
    if release_notes is not None:
        from cli.governance.releases import notes

        click.echo(notes(project, release_notes), nl=False)
        return 0
    from cli.governance.environments import environments
    from cli.governance.lock import read
    from cli.governance.pages import untrue

    found, lock = environments(project), read(project.root)
    if not check:
        lock = _write(project, found, lock, refresh)
    lines = untrue(project.root, found, lock)
    for line in lines or ["the pages of docs/governance are true"]:
        click.echo(line)
    return 1 if lines else 0


def _write(project: Project, found: list["Environment"], lock: "Lock", refresh: bool) -> "Lock":
    """Write what `lock` and the pages should say; the lock that they were written from."""
    from cli.governance.audit import audit
    from cli.governance.lock import NONE, Lock, write
    from cli.governance.pages import outdated, pages
    from cli.governance.resolve import resolve
    from utils.files import write_atomic

    if refresh or outdated(found, lock):
        venv = project.venv()
        venv.ensure("audit")
        packages = resolve(project.root, found, venv.python, former=NONE if refresh else lock)
        lock = Lock(
            environments={environment.name: environment.requirements for environment in found},
            packages=tuple(packages),
            audit=audit(venv.python, packages) if refresh else lock.audit,
        )
        write(project.root, lock)
    for path, text in pages(project.root, found, lock).items():
        write_atomic(project.root / path, text)
    return lock
