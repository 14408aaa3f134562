"""`scratch lint`."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import click

from cli.chapters import Project
from cli.processes import Children

AT_ONCE = 2
PACKAGES = ("cli", "data_utils", "engine", "plotting", "utils")
# What GitHub reads, and the schema that it comes with in check-jsonschema.
SCHEMAS = {
    "workflows/*.yml": "github-workflows",
    "dependabot.yml": "dependabot",
    "ISSUE_TEMPLATE/[!c]*.yml": "github-issue-forms",
    "ISSUE_TEMPLATE/config.yml": "github-issue-config",
}


class Check(NamedTuple):
    """A tool run over the repository, or over one chapter."""

    name: str
    command: tuple[str, ...]
    """A program of the root's environment, and its arguments."""
    cwd: Path
    env: dict[str, str] = {}  # noqa: RUF012  # never changed


@click.command("lint")
@click.pass_obj
def command(project: Project) -> int:
    """Run black, flake8, ruff, mypy, import-linter and check-jsonschema; each says ok or what it found."""
    venv = project.venv()
    venv.ensure("dev")
    found = False
    with ThreadPoolExecutor(AT_ONCE) as pool, Children() as children:
        for check, code, output, seconds in pool.map(lambda c: _run(c, venv.python, children), checks(project)):
            click.echo(f"{'FAILED' if code else 'ok':<8}{check.name:<28}{seconds:5.1f} s")
            if code:
                found = True
                click.echo(f"{output.rstrip()}\n")
    return 1 if found else 0


def checks(project: Project) -> list[Check]:
    """Every check, the slowest first."""
    root = project.root
    types = [Check("mypy", ("mypy", *(name for name in PACKAGES if (root / name).is_dir())), root)]
    # One after the other in a process each: chapters share module names, and mypy knows a module by its name.
    types += [_types_of(chapter.folder, root) for chapter in project.chapters()]
    schemas = [
        Check(f"schema {schema}", ("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files), root)
        for pattern, schema in SCHEMAS.items()
        if (files := sorted(str(path) for path in (root / ".github").glob(pattern)))
    ]
    return [
        *types,
        Check("black", ("black", "--check", "--quiet", "--diff", "."), root),
        Check("flake8", ("flake8",), root),
        Check("ruff", ("ruff", "check", "--quiet", "."), root),
        Check("import-linter", ("lint-imports",), root),
        *schemas,
    ]


def _types_of(chapter: Path, root: Path) -> Check:
    settings = ("--config-file", str(root / "pyproject.toml"), "--cache-dir", str(root / ".mypy_cache" / chapter.name))
    return Check(f"mypy {chapter.name}", ("mypy", *settings, "."), chapter / "src", {"MYPYPATH": str(root)})


def _run(check: Check, python: Path, children: Children) -> tuple[Check, int, str, float]:
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        program, *arguments = check.command
        code = children.run([str(python.parent / program), *arguments], check.cwd, output, check.env)
        output.seek(0)
        return check, code, output.read().decode(errors="replace"), time.monotonic() - started
