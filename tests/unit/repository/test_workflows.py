"""What continuous integration runs is what a person can run, with no more rights than it needs."""

import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cli.commands.project.lint import other_checks
from cli.main import group
from project.chapters import Project
from utils.errors import InputError

ROOT = Path(__file__).resolve().parents[3]
GITHUB = sorted((ROOT / ".github/workflows").glob("*.yml"))
WOODPECKER = sorted((ROOT / ".woodpecker").glob("*.yaml"))
SCRIPTS = sorted(path for path in (ROOT / ".ci").iterdir() if path.read_text().startswith("#!"))
NOT_OURS = ("gh release create", "apt-get", "cat build/release/notes.md")
"""What no command of ours can do: publish on GitHub, bring Node.js to an image, show a file."""


def jobs(workflow: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return found


def steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(workflow).values() for step in job["steps"]]


def typed(workflow: Path) -> list[str]:
    """What a workflow of GitHub or Woodpecker runs."""
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    if "jobs" in content:
        return [step["run"] for step in steps(workflow) if "run" in step]
    return [command for step in content["steps"] for command in step["commands"]]


def scratch_commands(text: str) -> list[list[str]]:
    """The arguments of each `./scratch …`, with a 1 in place of what the shell fills in."""
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    found = [re.search(r"(?:^|\()\s*\./scratch ([^>)|]*)", line.replace('"$(', "(")) for line in lines]
    return [shlex.split(re.sub(r"\$\{?\w+\}?", "1", one[1])) for one in found if one]


def understand(words: list[str]) -> None:
    """Parse what follows `scratch`, as it would."""
    command: click.Command = group
    context = click.Context(group, info_name="scratch")
    while isinstance(command, click.Group):
        name, *words = words
        chosen = command.get_command(context, name)
        assert chosen is not None, f"there is no command {name}"
        command, context = chosen, click.Context(chosen, info_name=name, parent=context)
    command.make_context(command.name, words)


USED = [
    *(words for path in SCRIPTS for words in scratch_commands(path.read_text())),
    *(words for path in [*GITHUB, *WOODPECKER] for line in typed(path) for words in scratch_commands(line)),
]


@pytest.mark.parametrize("words", USED, ids=" ".join)
def test_a_command_of_continuous_integration_is_one_of_ours(words: list[str]) -> None:
    understand(words)


def test_a_command_that_is_none_of_ours_would_be_noticed() -> None:
    for wrong in (["no-such-command"], ["data", "no-such-command"]):
        with pytest.raises(InputError, match="unknown command 'no-such-command'"):
            understand(wrong)
    with pytest.raises(click.NoSuchOption):
        understand(["governance", "--no-such-flag"])
    with pytest.raises(click.MissingParameter):
        understand(["data", "get"])


def test_commands_are_found_wherever_they_stand_in_a_line() -> None:
    assert scratch_commands('x="$(./scratch data get "$NAME")"\n./scratch lint \\\n  > file') == [
        ["data", "get", "1"],
        ["lint"],
    ]


@pytest.mark.parametrize("workflow", [*GITHUB, *WOODPECKER], ids=lambda path: path.name)
def test_a_workflow_only_runs_what_lies_in_the_repository(workflow: Path) -> None:
    for command in typed(workflow):
        words = command.split()
        file = words[1] if words[0] == "bash" else words[0]
        assert (ROOT / file).is_file() or command.startswith(NOT_OURS), command


def test_github_and_woodpecker_run_the_same() -> None:
    def ours(paths: list[Path]) -> set[str]:
        commands = {command for path in paths for command in typed(path) if not command.startswith(NOT_OURS)}
        return {re.sub(r"\$(GITHUB_REF_NAME|CI_COMMIT_TAG)", "$TAG", command) for command in commands}

    assert ours(GITHUB) == ours(WOODPECKER)


def test_every_python_that_is_promised_is_tested() -> None:
    (github,) = [jobs(path)["check"] for path in GITHUB if path.name == "ci.yml"]
    woodpecker = yaml.safe_load((ROOT / ".woodpecker/check.yaml").read_text())
    assert github["strategy"]["matrix"]["python"] == woodpecker["matrix"]["PYTHON"] == ["3.11", "3.12", "3.13"]


def test_a_clean_checkout_is_linted_shown_and_tested() -> None:
    commands = (ROOT / ".ci/run").read_text()
    assert all(f"./scratch {command}\n" in commands for command in ("lint", "demo", "test"))


def test_every_model_of_a_release_is_an_experiment_of_its_chapter() -> None:
    project = Project(ROOT)
    for line in (ROOT / ".ci/models").read_text().splitlines():
        if not line.startswith("#"):
            chapter, experiment = line.split()
            assert experiment in [each.name for each in project.chapter(chapter).experiments()]


# --- rights


@pytest.mark.parametrize("workflow", GITHUB, ids=lambda path: path.name)
def test_a_workflow_may_only_read_but_for_the_job_that_publishes(workflow: Path) -> None:
    content = yaml.safe_load(workflow.read_text(encoding="utf-8"))
    assert content["permissions"] == {"contents": "read"}
    for job in content["jobs"].values():
        if "permissions" in job:
            assert job["permissions"] == {"contents": "write"}
            assert not any("checkout" in step.get("uses", "") for step in job["steps"]), "it would run our code"


@pytest.mark.parametrize("workflow", GITHUB, ids=lambda path: path.name)
def test_an_action_is_pinned_by_its_commit_and_keeps_no_credentials(workflow: Path) -> None:
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"])
            assert "checkout" not in step["uses"] or step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("workflow", GITHUB, ids=lambda path: path.name)
def test_what_a_person_types_reaches_the_shell_as_a_variable(workflow: Path) -> None:
    assert [step["run"] for step in steps(workflow) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("workflow", GITHUB, ids=lambda path: path.name)
def test_a_job_ends_in_time_and_never_meets_another_of_its_kind(workflow: Path) -> None:
    assert "group" in yaml.safe_load(workflow.read_text(encoding="utf-8"))["concurrency"]
    assert all(job["timeout-minutes"] <= 45 for job in jobs(workflow).values())


@pytest.mark.parametrize("workflow", GITHUB, ids=lambda path: path.name)
def test_a_job_that_is_given_secrets_belongs_to_an_environment_and_restores_no_cache(workflow: Path) -> None:
    for job in jobs(workflow).values():
        if "secrets." in str(job):
            assert "environment" in job
            assert not any("actions/cache" in step.get("uses", "") for step in job["steps"])


def test_every_shell_script_is_looked_at_and_sound() -> None:
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [path for name in files.stdout.splitlines() if (path := ROOT / name).is_file()]
    scripts = [str(path) for path in paths if re.match(rb"#!.*\b(ba)?sh\n", path.read_bytes()[:99])]
    (check,) = [check for check in other_checks(Project(ROOT)) if check.name == "shellcheck"]
    program, *looked_at = check.command
    assert sorted(looked_at) == sorted(scripts)
    found = subprocess.run(
        [Path(sys.executable).with_name(program), *scripts], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize("offset", [0, 2])
def test_the_way_to_a_product_does_not_take_another_server_for_its_own(offset: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        script = [str(ROOT / "docs/from_run_to_product.sh"), str(taken - offset)]
        done = subprocess.run(script, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: something listens on port {taken} already")
