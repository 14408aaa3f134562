"""The hand-written regions of a chapter: between `# exercise <part>: <what to write>` and `# end exercise`."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from utils.errors import InputError

START = re.compile(r"( *)# exercise ([a-z0-9]+(?:-[a-z0-9]+)*): (\S.*)")
END = re.compile(r" *# end exercise")
MARKER = re.compile(r" *# (exercise|end exercise)\b")
WIDTH = 120  # black's

Sources = Mapping[str, str]
"""Python files of a chapter: their paths in its folder, such as `src/model.py`, and their texts."""


class Region(NamedTuple):
    """What stands between two markers."""

    part: str
    what: str
    """What is to be written there."""
    file: str
    first: int
    """Number of the first line after the opening marker, counted from 0."""
    last: int
    """Number of the closing marker."""
    indent: str


def read_sources(chapter: Path) -> dict[str, str]:
    """The Python files in the `src` folder of `chapter`."""
    return {f"src/{path.name}": path.read_text("utf-8") for path in sorted((chapter / "src").glob("*.py"))}


def find_regions(sources: Sources, where: Path) -> dict[str, Region]:
    """The regions of `sources`, by their parts.

    Args:
        sources: Files of one chapter.
        where: The folder they lie in, for the messages.

    Raises:
        InputError: A marker has no partner, cannot be read, or names a part a second time.
    """
    found: dict[str, Region] = {}
    for file, text in sources.items():
        for region in _regions_of(text, file, where):
            if region.part in found:
                raise InputError(f"{where / file}:{region.first}: a second region is called '{region.part}'")
            found[region.part] = region
    return found


def _regions_of(text: str, file: str, where: Path) -> Iterator[Region]:
    opened: Region | None = None
    for number, line in enumerate(text.splitlines()):
        if not MARKER.match(line):
            continue
        place, start = f"{where / file}:{number + 1}", START.fullmatch(line)
        if opened is None and start:
            indent, part, what = start.groups()
            opened = Region(part, what, file, number + 1, 0, indent)
        elif opened is not None and END.fullmatch(line):
            yield opened._replace(last=number)
            opened = None
        else:
            raise InputError(f"{place}: a region is '# exercise <part>: <what to write>', its lines, '# end exercise'")
    if opened is not None:
        raise InputError(f"{where / file}:{opened.first}: the region '{opened.part}' has no '# end exercise'")


def body_of(sources: Sources, region: Region) -> str:
    """The lines of a region."""
    return "\n".join(sources[region.file].splitlines()[region.first : region.last])


def with_body(sources: Sources, region: Region, body: str) -> dict[str, str]:
    """`sources` with other lines in a region."""
    lines = sources[region.file].splitlines()
    lines[region.first : region.last] = body.splitlines()
    return {**sources, region.file: "\n".join(lines) + "\n"}


def split(body: str) -> tuple[list[str], list[str]]:
    """The comments that a region begins with, where its equation stands, and the lines after them."""
    lines = body.splitlines()
    comments = 0
    while comments < len(lines) and lines[comments].lstrip().startswith("#"):
        comments += 1
    return lines[:comments], lines[comments:]


def blank(sources: Sources, region: Region) -> dict[str, str]:
    """`sources` with a region to be written: the comments that it begins with, then an error that says what to do."""
    comments, _ = split(body_of(sources, region))
    return with_body(sources, region, "\n".join([*comments, *_error(region)]))


def _error(region: Region) -> list[str]:
    """A statement that raises, as black would write it."""
    text = repr(region.what) if '"' in region.what else f'"{region.what}"'.replace("\\", "\\\\")
    line = f"{region.indent}raise NotImplementedError({text})"
    if len(line) <= WIDTH:
        return [line]
    return [f"{region.indent}raise NotImplementedError(", f"{region.indent}    {text}", f"{region.indent})"]
