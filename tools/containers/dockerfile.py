"""As much of a Dockerfile's language as ours are written in."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

KNOWN = ("ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "USER", "VOLUME", "WORKDIR")


class Instruction(NamedTuple):
    """One instruction: its name, and the rest of its line."""

    name: str
    text: str


class Stage(NamedTuple):
    """What one FROM begins."""

    name: str
    base: str
    """Another stage, or an image."""
    instructions: list[Instruction]


def read(path: Path) -> dict[str, Stage]:
    """The stages of a Dockerfile by name, in order.

    Raises:
        ValueError: It has an instruction that is not known here or comes before FROM, or a stage without a name.
    """
    lines = [
        line
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    stages: dict[str, Stage] = {}
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, _, text = line.partition(" ")
        if name not in KNOWN:
            raise ValueError(f"{path}: {name} is no instruction that is known here")
        if name != "FROM":
            if not stages:
                raise ValueError(f"{path}: {name} comes before the first FROM")
            list(stages.values())[-1].instructions.append(Instruction(name, text.strip()))
            continue
        base, named, stage = text.partition(" AS ")
        if not named:
            raise ValueError(f"{path}: FROM {text} has no name")
        stages[stage] = Stage(stage, base, [])
    return stages


def needed(stages: Mapping[str, Stage], target: str) -> list[Stage]:
    """The stages that `target` is made from, in order, itself last."""
    wanted = {target}
    for stage in reversed(stages.values()):
        if stage.name in wanted:
            wanted.add(stage.base)
            wanted |= {word for step in stage.instructions for word in re.findall(r"--from=(\S+)", step.text)}
    return [stage for stage in stages.values() if stage.name in wanted]


def filled(text: str, variables: Mapping[str, str]) -> str:
    """`text` with `$NAME` and `${NAME}` replaced; a name that is not known is nothing, as Docker has it."""
    return re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda found: variables.get(found[1] or found[2], ""), text)


def words(text: str) -> list[str]:
    """The words of CMD or ENTRYPOINT in the form of a list, which needs no shell."""
    return [str(word) for word in json.loads(text)]


def given_away(step: Instruction) -> dict[str, str]:
    """The folders that `RUN install -d -o USER -g GROUP FOLDER…` makes, each with `USER:GROUP`; of other steps none."""
    found = re.fullmatch(r"install -d -o (\w+) -g (\w+) (.+)", step.text) if step.name == "RUN" else None
    return dict.fromkeys(found[3].split(), f"{found[1]}:{found[2]}") if found else {}


def folders(stages: Mapping[str, Stage]) -> set[str]:
    """The folders at the top of the image that these stages name, which lie elsewhere when it is tried."""
    found = {"/tmp"}
    for stage in stages.values():
        for step in stage.instructions:
            found |= given_away(step).keys()
            if step.name in ("WORKDIR", "VOLUME", "COPY"):
                found |= {f"/{name}" for name in re.findall(r'(?:^|[\s"])/([\w.-]+)', step.text)}
    return found


class Ignored:
    """What `.dockerignore` keeps from the builder: the last line that matches a path, or a folder above it, decides."""

    def __init__(self, path: Path) -> None:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        self._rules = [
            (not line.startswith("!"), re.compile(_pattern(line.removeprefix("!"))))
            for line in lines
            if line and not line.startswith("#")
        ]

    def __call__(self, path: str) -> bool:
        """Whether `path`, relative to the context, does not reach the builder."""
        ignored = False
        for ignore, pattern in self._rules:
            if pattern.fullmatch(path):
                ignored = ignore
        return ignored


def _pattern(line: str) -> str:
    parts = re.split(r"(\*\*/|\*)", line.rstrip("/"))
    translated = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return "".join(translated.get(part, re.escape(part)) for part in parts) + "(?:/.*)?"
