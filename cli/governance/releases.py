"""The notes of a release: its section of CHANGELOG.md, and what its chapters are known to do."""

import json
import re
import tomllib
from pathlib import Path

from cli.governance.text import read_text
from project.chapters import Project
from utils.errors import InputError


def notes(project: Project, version: str) -> str:
    """Markdown for the release `version`; a tag's leading `v` is taken off.

    Raises:
        InputError: pyproject.toml has another version, or CHANGELOG.md has no dated section for it.
    """
    version = version.removeprefix("v")
    declared = tomllib.loads(read_text(project.root / "pyproject.toml"))["project"]["version"]
    if version != declared:
        raise InputError(f"pyproject.toml has version {declared}, not {version}; tag the commit that sets it")
    changes = _section(read_text(project.root / "CHANGELOG.md"), version)
    rows = [f"| {chapter.name} | {_claims(chapter.folder / 'results.json')} |" for chapter in project.chapters()]
    return "\n".join(
        [
            f"# {version}",
            "",
            changes,
            "",
            "## What the chapters claim",
            "",
            "Each claim was checked on all its seeds; EXPERIMENTS.md has them one by one.",
            "",
            "| Chapter | Claims that hold |",
            "|---|---|",
            *rows,
            "",
            "Licences and known vulnerabilities of the dependencies: docs/governance/dependencies.md.",
            "",
        ]
    )


def _section(changelog: str, version: str) -> str:
    headed = re.search(
        rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL
    )
    if headed is None or not headed[1].strip():
        raise InputError(
            f"CHANGELOG.md has nothing under '## [{version}] - YYYY-MM-DD'; move there what stands under Unreleased"
        )
    return headed[1].strip()


def _claims(results: Path) -> str:
    if not results.is_file():
        return "not measured yet"
    experiments = json.loads(results.read_text("utf-8")).values()
    held = [claim["holds"] for experiment in experiments for claim in experiment["claims"]]
    return f"{sum(held)} of {len(held)}"
