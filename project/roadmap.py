"""ROADMAP.md's table: which modules there are, and which chapters each has or will have."""

import re
from typing import NamedTuple

_ROW = re.compile(r"^\| (\d+) ([^|]+?) \| (.+) \|$", re.MULTILINE)
_ENTRY = re.compile(r"(?:^|, )\**(\d\d) ")


class Module(NamedTuple):
    """A row of the table."""

    number: int
    title: str
    chapters: tuple[int, ...]
    """Numbers, of those that are done and of those that are planned."""


def modules(text: str) -> list[Module]:
    """The modules in the order of `text`, the content of ROADMAP.md."""
    rows = _ROW.findall(text)
    return [Module(int(number), title, tuple(map(int, _ENTRY.findall(names)))) for number, title, names in rows]


def with_chapter(text: str, module: int, number: str, title: str) -> str:
    """`text` with a chapter added to the row of `module`, unless its number is there already."""

    def added(row: re.Match[str]) -> str:
        if int(row[1]) != module or int(number) in map(int, _ENTRY.findall(row[3])):
            return row[0]
        return f"| {row[1]} {row[2]} | {row[3]}, {number} {title} |"

    return _ROW.sub(added, text)
