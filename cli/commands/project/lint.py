"""`scratch lint`."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import click

from cli.actionlint import LEFT_OUT
from project.chapters import Project
from utils.terminal.processes import Children

PACKAGES = ("cli", "data_utils", "deployment", "engine", "experiment", "inference", "plotting", "project", "utils")
# What GitHub and Woodpecker read, and the schema that it comes with in check-jsonschema.
WORKFLOWS = ".github/workflows/*.yml"
SCHEMAS = {
    WORKFLOWS: "github-workflows",
    ".github/dependabot.yml": "dependabot",
    ".github/ISSUE_TEMPLATE/[!c]*.yml": "github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "github-issue-config",
    ".woodpecker/*.yaml": "woodpecker-ci",
}
SHELL = (".ci/run", ".ci/release", "docs/*.sh", "deployment/**/*.sh", "deployment/**/*.sbatch")


class Check(NamedTuple):
    """A tool run over the repository, or over one chapter."""

    name: str
    command: tuple[str, ...]
    """A program of the root's environment, and its arguments."""
    cwd: Path
    env: dict[str, str] = {}  # noqa: RUF012  # never changed


class Outcome(NamedTuple):
    """How a check went."""

    name: str
    code: int
    """The exit code of its tool."""
    seconds: float
    said: str


@click.command("lint")
@click.pass_obj
def command(project: Project) -> int:
    """Run the linters of code, of scripts, of workflows and of generated pages; each says ok or what it found."""
    venv = project.venv()
    venv.ensure("dev")
    # Two at a time, one of each kind; what they say comes in the order of the checks.
    with ThreadPoolExecutor(1) as other, ThreadPoolExecutor(1) as types, Children() as children:
        outcomes = [
            lane.submit(_run, check, venv.python, children)
            for lane, checks in ((other, other_checks(project)), (types, type_checks(project)))
            for check in checks
        ]
        failures = [_fails(outcome.result()) for outcome in outcomes]
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
        if (files := _matching(root, pattern))
    ]
    scripts = [name for pattern in SHELL for name in _matching(root, pattern)]
    governance = Check("governance", ("python", "-P", "-m", "cli", "governance", "--check"), root)
    return [
        Check("black", ("black", "--check", "."), root),
        Check("flake8", ("flake8",), root),
        Check("ruff", ("ruff", "check", "--quiet", "."), root),
        Check("import-linter", ("lint-imports",), root),
        *([Check("shellcheck", ("shellcheck", *scripts), root)] if scripts else []),
        *schemas,
        *deployment_checks(root),
        *(workflow_checks(root, workflows) if (workflows := _matching(root, WORKFLOWS)) else []),
        *([governance] if (root / "docs/governance").is_dir() else []),
    ]


def deployment_checks(root: Path) -> list[Check]:
    """What containers and clusters are given."""
    dockerfile, compose = root / "deployment/containers/Dockerfile", _matching(root, "deployment/compose*.yaml")
    objects = [path for path in root.glob("deployment/kubernetes/**/*.yaml") if path.name != "kustomization.yaml"]
    checks = []
    if dockerfile.exists():
        checks.append(Check("hadolint", ("hadolint", str(dockerfile)), root))
    if compose:
        schema = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *compose)
        checks.append(Check("schema compose-spec", schema, root))
    if objects:
        names = sorted(str(path) for path in objects)
        checks.append(Check("kubernetes-validate", ("kubernetes-validate", "--strict", "--quiet", *names), root))
    return checks


def workflow_checks(root: Path, workflows: list[str]) -> list[Check]:
    """What could go wrong in workflows, and what somebody could do to them."""
    return [
        Check("zizmor", ("zizmor", "--offline", "--quiet", ".github"), root),
        Check("actionlint", ("python", "-P", "-m", "cli.actionlint", *workflows), root),
    ]


def _matching(root: Path, pattern: str) -> list[str]:
    return sorted(str(path) for path in root.glob(pattern))


def _run(check: Check, python: Path, children: Children) -> Outcome:
    started = time.monotonic()
    program, *arguments = check.command
    with tempfile.TemporaryFile() as output:
        code = children.run([str(python.parent / program), *arguments], check.cwd, output, check.env)
        output.seek(0)
        said = output.read().decode(errors="replace").rstrip()
    return Outcome(check.name, code, time.monotonic() - started, said)


def _fails(outcome: Outcome) -> bool:
    """Say how a check went."""
    result = {0: "ok", LEFT_OUT: "left out"}.get(outcome.code, "FAILED")
    verdict = f"{result:<10}{outcome.name:<28}{outcome.seconds:5.1f} s"
    click.echo(f"{verdict}\n{outcome.said}\n" if outcome.code else verdict)
    return result == "FAILED"
