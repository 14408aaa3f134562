"""What `exercises.yaml` and `tests/idea_mutants.yaml` of a chapter say, checked against its sources."""

from functools import reduce
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from cli.grading.blanks import Region, Sources, blank, body_of, find_regions, read_sources, split, with_body
from utils.errors import InputError, unknown
from utils.schema import Strict, validate

EXERCISES = "exercises.yaml"
MUTANTS = "tests/idea_mutants.yaml"


class Wrong(Strict):
    """A solution that a learner might hand in: one edit of the right one."""

    replace: str = Field(min_length=1)
    by: str
    because: str
    """What is wrong with it."""


class Part(Strict):
    """A region that a learner writes, and what goes with it."""

    part: str
    tests: tuple[str, ...] = Field(min_length=1)
    """What grades it, as pytest names tests, relative to the chapter; they need no later part."""
    hints: tuple[str, ...] = Field(min_length=1)
    """From a nudge to nearly the line."""
    wrong: tuple[Wrong, ...] = Field(min_length=1)


class _Parts(Strict):
    parts: tuple[Part, ...] = Field(min_length=1)


class Mutant(Strict):
    """A small edit that removes an idea of the chapter; its tests must fail on it."""

    name: str
    """What is lost."""
    file: str
    replace: str = Field(min_length=1)
    by: str
    tests: tuple[str, ...] = ()
    """Where it is expected to be noticed, relative to the chapter; empty: anywhere."""


class _Mutants(Strict):
    mutants: tuple[Mutant, ...] = Field(min_length=1)


class Exercises:
    """The exercises of a chapter: its parts in the order in which they build on each other.

    Args:
        chapter: Its folder.

    Raises:
        InputError: There are none, or exercises.yaml and the markers in the sources do not fit together.
    """

    def __init__(self, chapter: Path) -> None:
        path = chapter / EXERCISES
        self.chapter = chapter
        self.parts = validate(_Parts, {"parts": _read(path, "exercises")}, str(path)).parts
        self.sources = read_sources(chapter)
        self.regions = find_regions(self.sources, chapter)
        names = [part.part for part in self.parts]
        if len(set(names)) < len(names) or set(names) != set(self.regions):
            raise InputError(
                f"{path}: its parts ({', '.join(names)}) should be those marked in src/, each once: "
                f"{', '.join(self.regions) or 'none'}"
            )
        for part in self.parts:
            _, code = split(self.solution(part))
            for wrong in part.wrong:
                _once(wrong.replace, "\n".join(code), f"{path}: part {part.part}, wrong '{wrong.because}'")

    def part(self, name: str) -> Part:
        """The part called `name`."""
        for part in self.parts:
            if part.part == name:
                return part
        raise unknown("part", name, (part.part for part in self.parts))

    def region(self, part: Part) -> Region:
        """Where `part` stands in the sources."""
        return self.regions[part.part]

    def solution(self, part: Part) -> str:
        """The lines of `part`."""
        return body_of(self.sources, self.region(part))

    def blanked(self, parts: tuple[Part, ...]) -> Sources:
        """The sources without `parts`."""
        from_below = sorted(map(self.region, parts), key=lambda region: -region.first)  # so that no number moves
        return reduce(blank, from_below, self.sources)

    def mistaken(self, part: Part, wrong: Wrong) -> Sources:
        """The sources with `wrong` in `part`, and all that comes after it still to be written."""
        later = self.blanked(self.parts[self.parts.index(part) + 1 :])
        region = find_regions(later, self.chapter)[part.part]
        comments, code = split(self.solution(part))
        edited = "\n".join(code).replace(wrong.replace, wrong.by)
        return with_body(later, region, "\n".join([*comments, edited]))


def read_mutants(chapter: Path) -> tuple[Mutant, ...]:
    """The idea mutants of a chapter.

    Raises:
        InputError: There are none, or one cannot be applied.
    """
    path = chapter / MUTANTS
    mutants = validate(_Mutants, {"mutants": _read(path, "idea mutants")}, str(path)).mutants
    sources = read_sources(chapter)
    for mutant in mutants:
        where = f"{path}: '{mutant.name}'"
        if mutant.file not in sources:
            raise InputError(f"{where}: {unknown('file', mutant.file, sources)}")
        _once(mutant.replace, sources[mutant.file], f"{where}, {mutant.file}")
    return mutants


def _read(path: Path, what: str) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(f"there are no {what} in this chapter: {path} is missing") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from None


def _once(text: str, inside: str, where: str) -> None:
    count = inside.count(text)
    if count != 1:
        raise InputError(f"{where}: {text!r} should be there once, and is there {count} times")
