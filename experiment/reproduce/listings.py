"""The chapters that there are, as tables of README.md and ROADMAP.md: written from their `constants.py`."""

from project.chapters import Chapter, Project
from project.roadmap import with_chapters


def chapter_table(project: Project) -> str:
    """One row for each chapter: its title, its paper, what it can do and what it cannot."""
    head = ["| | Chapter | Paper | What it can do | What it cannot do |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(_row(chapter) for chapter in project.chapters())])


def roadmap(project: Project) -> str:
    """ROADMAP.md, with the chapters that there are in bold."""
    told = [(chapter, chapter.constants()) for chapter in project.chapters()]
    done = [
        (constants["MODULE"], chapter.name.split("_")[0], constants["TITLE"])
        for chapter, constants in told
        if {"MODULE", "TITLE"} <= constants.keys()
    ]
    return with_chapters(project.roadmap(), done)


def _row(chapter: Chapter) -> str:
    told = chapter.constants()
    link = f"[{told.get('TITLE', chapter.name)}](models/{chapter.name}/README.md)"
    paper = f"{_surnames(told.get('AUTHORS', ''))} {told.get('YEAR', '')}".strip()
    cells = (chapter.name.split("_")[0], link, paper, told.get("CAN", ""), told.get("CANNOT", ""))
    return f"| {' | '.join(cells)} |"


def _surnames(authors: str | tuple[str, ...]) -> str:
    """`Widrow & Hoff` of `Bernard Widrow, Marcian E. Hoff`."""
    names = authors.split(", ") if isinstance(authors, str) else authors
    *others, last = [name.split()[-1] if name else "" for name in names]
    return f"{', '.join(others)} & {last}" if others else last
