"""The versions that an image is made of, as uv reads them in the Dockerfile."""

import re

from cli.governance.environments import IMAGES
from cli.governance.lock import FILE, Lock

HEAD = f"""# What the lists of packages for this image lead to, from {FILE}; written by `./scratch governance`.
# Left out is what a build of torch for GPUs brings: each build names its own.
"""
_OF_GPUS = re.compile(r"(cuda|nvidia)-.+|triton")


def files(lock: Lock) -> dict[str, str]:
    """Path to what should stand there, for each image."""
    return {f"deployment/containers/constraints/{image}.txt": HEAD + _pins(image, lock) for image in IMAGES}


def _pins(image: str, lock: Lock) -> str:
    """A line for each package; one that chapters want in several versions has none."""
    stages = re.escape("".join(f" + {service}" for service in IMAGES[image]))
    named = re.compile(rf"(.*, )?(every chapter|\d\w+){stages}(, .*)?")
    versions: dict[str, set[str]] = {}
    for package in lock.packages:
        if any(map(named.fullmatch, package.environments)) and not _OF_GPUS.fullmatch(package.name):
            versions.setdefault(package.name, set()).add(package.version)
    return "".join(f"{name}=={found.pop()}\n" for name, found in versions.items() if len(found) == 1)
