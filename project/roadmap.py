"""ROADMAP.md's table: which modules there are, and which chapters each has or will have."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_ROW = re.compile(r"^\| (\d+) ([^|]+?) \| (.+) \|$", re.MULTILINE)
_ENTRY = re.compile(r"(?:^|, )\**(\d\d) (.+?)\**(?=$|, \**\d\d )")


class Module(NamedTuple):
    """A row of the table."""

    number: int
    title: str
    chapters: tuple[int, ...]
    """Numbers, of those that are done and of those that are planned."""


def modules(text: str) -> list[Module]:
    """The modules in the order of `text`, the content of ROADMAP.md."""
    rows = _ROW.findall(text)
    return [
        Module(int(number), title, tuple(int(chapter) for chapter, _ in _ENTRY.findall(names)))
        for number, title, names in rows
    ]


def with_chapters(text: str, done: Iterable[tuple[str, str, str]]) -> str:
    """`text` with the chapters that there are in bold, in the place of a planned one or at the end of their module.

    Args:
        text: The content of ROADMAP.md.
        done: Module, number and title of each chapter.
    """
    titles: dict[str, dict[str, str]] = {}
    for module, number, title in done:
        titles.setdefault(module, {})[number] = f"**{number} {title}**"

    def row(match: re.Match[str]) -> str:
        planned = {number: f"{number} {title}" for number, title in _ENTRY.findall(match[3])}
        return f"| {match[1]} {match[2]} | {', '.join((planned | titles.get(match[2], {})).values())} |"

    return _ROW.sub(row, text)
