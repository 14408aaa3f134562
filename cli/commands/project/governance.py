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
@click.option("--sbom", metavar="NN", help="Print what the environment of chapter NN holds, as CycloneDX in JSON.")
@click.pass_obj
def command(project: Project, check: bool, refresh: bool, release_notes: str | None, sbom: str | None) -> int:
    """Write the pages of docs/governance on data sets and dependencies.

    The network is needed where a list of packages has changed, and for --refresh.
    """
    if check + refresh + (release_notes is not None) + (sbom is not None) > 1:
        raise click.UsageError("--check, --refresh, --release-notes and --sbom are different things; give one of them")
    if release_notes is not None:
        from cli.governance.releases import notes

        click.echo(notes(project, release_notes), nl=False)
        return 0
    if sbom is not None:
        click.echo(_sbom(project, sbom), nl=False)
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


def _sbom(project: Project, chapter: str) -> str:
    from cli.governance.sbom import sbom

    ours, its = project.venv(), project.venv(project.chapter(chapter))
    ours.ensure("audit")
    its.ensure("base")
    return sbom(project.root, ours.python, its.python)


def _write(project: Project, found: list["Environment"], lock: "Lock", refresh: bool) -> "Lock":
    """Write what `lock` and the pages should say; the lock that they were written from."""
    from cli.governance.audit import audit
    from cli.governance.constraints import without_hashes, written_hashes
    from cli.governance.licences import with_licences
    from cli.governance.lock import Lock, write
    from cli.governance.pages import outdated, pages
    from cli.governance.resolve import resolve
    from utils.files import write_atomic

    hashes = written_hashes(project.root)
    if refresh or outdated(found, lock) or without_hashes(lock, hashes):
        venv = project.venv()
        venv.ensure("audit")
        resolved = resolve(project.root, found, keep=() if refresh else lock.packages)
        packages = with_licences(project.root, venv.python, resolved.packages, known=lock.packages)
        hashes |= resolved.hashes
        lock = Lock(
            environments={environment.name: environment.requirements for environment in found},
            packages=tuple(packages),
            audit=audit(venv.python, packages) if refresh else lock.audit,
        )
        write(project.root, lock)
    for path, text in pages(project.root, found, lock, hashes).items():
        write_atomic(project.root / path, text)
    return lock
