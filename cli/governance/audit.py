"""Asking for known vulnerabilities, and keeping an answer apart from no answer.

pip-audit ends with "No known vulnerabilities found" and exit code 0 also where the index answered none of its
questions. So its report is read package by package: one that was skipped is one that nothing is known about.
Its own variables, such as PIP_AUDIT_VULNERABILITY_SERVICE, name another source than the package index.
"""

import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.governance.lock import Advisory, Audit, Package
from cli.governance.programs import one_version_each, start


def audit(python: Path, packages: Sequence[Package]) -> Audit:
    """Ask about `packages`; where the first gets no answer, the others are not asked about.

    Args:
        python: An interpreter with pip-audit.
        packages: What to ask about.
    """
    asked: list[str] = []
    advisories: list[Advisory] = []
    reasons: set[str] = set()
    rounds = one_version_each((package.name, package.version) for package in packages)
    probed = [rounds[0][:1], rounds[0][1:], *rounds[1:]] if rounds else []
    for pins in filter(None, probed):
        answers, reason = _answers(python, pins)
        reasons |= {reason} if reason else set()
        for answer in answers:
            if "skip_reason" in answer:
                reasons.add(_general(answer["skip_reason"]))
                continue
            name, version = answer["name"], answer["version"]
            asked.append(f"{name}=={version}")
            advisories += (
                Advisory(package=name, version=version, id=one["id"], fixed_in=one["fix_versions"])
                for one in answer["vulns"]
            )
        if not asked:
            break
    return Audit(
        date=datetime.now(UTC).date().isoformat(),
        asked=tuple(sorted(asked)),
        advisories=tuple(sorted(advisories, key=lambda one: (one.package, one.version, one.id))),
        reason="; ".join(sorted(reasons)),
    )


def _answers(python: Path, pins: Sequence[tuple[str, str]]) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit says of each of `pins`, or the reason for which it says nothing."""
    command = [str(python), "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "all.txt").write_text("".join(f"{name}=={version}\n" for name, version in pins), encoding="utf-8")
        done = start([*command, "--format", "json", "--desc", "off", "-r", "all.txt"], folder)
    try:
        answers: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        return [], f"pip-audit failed: {_general(said[-1])}"
    return answers, ""


def _general(reason: str) -> str:
    """A reason without the package or the server that it is about."""
    return reason.partition(":")[0]
