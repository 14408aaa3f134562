"""The versions that an image is made of, and the hashes of their files, as uv reads them in the Dockerfile."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from cli.governance.environments import IMAGES
from cli.governance.lock import FILE, Lock
from cli.governance.resolve import pins
from cli.governance.text import read_text

FOLDER = "deployment/containers/constraints"
HEAD = f"""# What the lists of packages for this image lead to, from {FILE}; written by `./scratch governance`.
# Left out is what a build of torch for GPUs brings, and torch has no hashes: each build names its own.
"""
_OF_GPUS = re.compile(r"(cuda|nvidia)-.+|triton")
_BUILT_PER_BACKEND = ("torch", "torchao", "torchaudio", "torchvision")

Hashes = Mapping[str, tuple[str, ...]]
"""By `name==version`."""


def files(lock: Lock, hashes: Hashes) -> dict[str, str]:
    """Path to what should stand there, for each image."""
    return {f"{FOLDER}/{image}.txt": HEAD + _text(_pins(image, lock), hashes) for image in IMAGES}


def written_hashes(root: Path) -> dict[str, tuple[str, ...]]:
    """The hashes in the files as they are: they are kept nowhere else."""
    paths = [path for image in IMAGES if (path := root / FOLDER / f"{image}.txt").exists()]
    found = [pin for path in paths for pin in pins(read_text(path), f"reading {path}")]
    return {f"{pin.name}=={pin.version}": pin.hashes for pin in found if pin.hashes}


def without_hashes(lock: Lock, hashes: Hashes) -> list[str]:
    """The pins of images that should have hashes and have none: somebody deleted them."""
    wanted = {pin for image in IMAGES for pin in _pins(image, lock) if _is_held(pin)}
    return sorted(pin for pin in wanted if not hashes.get(pin))


def _pins(image: str, lock: Lock) -> list[str]:
    """One for each package; one that chapters want in several versions has none."""
    stages = re.escape("".join(f" + {service}" for service in IMAGES[image]))
    named = re.compile(rf"(.*, )?(every chapter|\d\w+){stages}(, .*)?")
    versions: dict[str, set[str]] = {}
    for package in lock.packages:
        if any(map(named.fullmatch, package.environments)) and not _OF_GPUS.fullmatch(package.name):
            versions.setdefault(package.name, set()).add(package.version)
    return [f"{name}=={found.pop()}" for name, found in versions.items() if len(found) == 1]


def _is_held(pin: str) -> bool:
    """Whether its hashes are the same for every backend."""
    return pin.partition("==")[0] not in _BUILT_PER_BACKEND


def _text(pins: Sequence[str], hashes: Hashes) -> str:
    """As pip and uv read it: a pin, then its hashes on lines of their own."""
    blocks = ([pin, *(f"--hash={one}" for one in hashes.get(pin, ()) if _is_held(pin))] for pin in pins)
    return "".join(" \\\n    ".join(block) + "\n" for block in blocks)
