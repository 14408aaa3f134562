"""What an environment holds, as a software bill of materials: CycloneDX, by cyclonedx-py."""

import json
from pathlib import Path
from typing import Any

from cli.governance.programs import ask


def sbom(root: Path, python: Path, environment: Path) -> str:
    """CycloneDX 1.6 in JSON, without time or machine: equal environments give equal text.

    Args:
        root: The repository, which the document is about.
        python: An interpreter with cyclonedx-py.
        environment: The interpreter of the environment to describe.

    Raises:
        RunError: It cannot be read.
    """
    command = [str(python), "-m", "cyclonedx_py", "environment", "--output-reproducible", "--of", "JSON"]
    command += ["--pyproject", "pyproject.toml", str(environment)]
    document: dict[str, Any] = json.loads(ask(command, str(root), f"describing {environment}"))
    ours = document["metadata"]["component"]["name"]
    # The shared packages are installed from this clone, so that they would be listed with its path.
    local = {part["bom-ref"] for part in document["components"] if part["name"] == ours}
    document["components"] = [part for part in document["components"] if part["bom-ref"] not in local]
    document["dependencies"] = [
        {**entry, "dependsOn": sorted({*entry.get("dependsOn", ())} - local)}
        for entry in document["dependencies"]
        if entry["ref"] not in local
    ]
    return json.dumps(document, indent=2) + "\n"
