"""`scratch lint`."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import click

from cli.chapters import Project
from cli.processes import Children

PACKAGES = ("cli", "data_utils", "deployment", "engine", "inference", "plotting", "utils")
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
    lanes = (type_checks(project), other_checks(project))
    with ThreadPoolExecutor(len(lanes)) as pool, Children() as children:
        failures = list(pool.map(lambda lane: sum(_fails(check, venv.python, children) for check in lane), lanes))
    return 1 if any(failures) else 0


def type_checks(project: Project) -> list[Check]:
    """mypy over the shared packages, then over each chapter.

    One after the other: they share a cache, so that torch is read once. In a process each: chapters have modules of
    the same name, and mypy knows a module by its name.
    """
    root = project.root
    settings = ("--config-file", str(root / "pyproject.toml"), "--cache-dir", str(root / ".mypy_cache"))
    shared = Check("mypy", ("mypy", *settings, *(name for name in PACKAGES if (root / name).is_dir())), root)
    path = {"MYPYPATH": str(root)}
    chapters = [
        Check(f"mypy {chapter.name}", ("mypy", *settings, "."), chapter.folder / "src", path)
        for chapter in project.chapters()
    ]
    return [shared, *chapters]


def other_checks(project: Project) -> list[Check]:
    """Everything else."""
    root = project.root
    schemas = [
        Check(f"schema {schema}", ("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files), root)
        for pattern, schema in SCHEMAS.items()
        if (files := sorted(str(path) for path in (root / ".github").glob(pattern)))
    ]
    return [
        Check("black", ("black", "--check", "--quiet", "--diff", "."), root),
        Check("flake8", ("flake8",), root),
        Check("ruff", ("ruff", "check", "--quiet", "."), root),
        Check("import-linter", ("lint-imports",), root),
        *schemas,
        *deployment_checks(root),
    ]


def deployment_checks(root: Path) -> list[Check]:
    """What containers and clusters are given."""
    dockerfile, compose = root / "deployment/containers/Dockerfile", root / "deployment/compose.yaml"
    objects = [path for path in root.glob("deployment/kubernetes/**/*.yaml") if path.name != "kustomization.yaml"]
    checks = []
    if dockerfile.exists():
        checks.append(Check("hadolint", ("hadolint", str(dockerfile)), root))
    if compose.exists():
        schema = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(compose))
        checks.append(Check("schema compose-spec", schema, root))
    if objects:
        names = sorted(str(path) for path in objects)
        checks.append(Check("kubernetes-validate", ("kubernetes-validate", "--strict", "--quiet", *names), root))
    return checks


def _fails(check: Check, python: Path, children: Children) -> bool:
    """Run `check` and say how it went."""
    started = time.monotonic()
    program, *arguments = check.command
    with tempfile.TemporaryFile() as output:
        code = children.run([str(python.parent / program), *arguments], check.cwd, output, check.env)
        output.seek(0)
        said = output.read().decode(errors="replace").rstrip()
    verdict = f"{'FAILED' if code else 'ok':<8}{check.name:<28}{time.monotonic() - started:5.1f} s"
    click.echo(f"{verdict}\n{said}\n" if code else verdict)
    return code != 0
