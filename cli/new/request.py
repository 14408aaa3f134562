"""What was asked of `scratch new`, checked before anything is written."""

import re
import textwrap
from dataclasses import dataclass

from project.chapters import Project
from project.roadmap import Module, modules
from utils.errors import InputError, unknown

EXPERIMENTS = {"tabular": "moons", "image": "digits", "text": "languages"}
"""What a chapter learns first, by the kind of its data."""

LONGEST_TITLE = 60
_WIDTH = 120  # black's


@dataclass(frozen=True)
class Request:
    """A chapter to be made.

    Raises:
        InputError: The name or a text cannot be used.
    """

    chapter: str
    """`35_mine`."""
    title: str
    year: int
    paper: str
    authors: str
    url: str
    data: str
    notebook: bool
    exercises: bool

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d\d_[a-z][a-z0-9]*(_[a-z0-9]+)*", self.chapter):
            raise InputError(
                f"'{self.chapter}' cannot name a chapter: two digits, an underscore, then small letters, digits and "
                "single underscores, as in 35_mine"
            )
        for option, text in {"title": self.title, "paper": self.paper, "authors": self.authors}.items():
            if not text.isprintable() or "\\" in text or text != text.strip():
                raise InputError(f"--{option} should be one line of text, without a backslash or spaces around it")
        if not self.title or not self.paper:
            raise InputError("--title and --paper should not be empty")
        if len(self.title) > LONGEST_TITLE or re.search(r'["|]', self.title):
            raise InputError(f'--title should have {LONGEST_TITLE} characters at most, and neither " nor |')
        if self.url and not re.fullmatch(r"https?://[^\s\"'\\()<>]+", self.url):
            raise InputError(f"--url '{self.url}' should begin with https:// and have no spaces, quotes or brackets")

    @property
    def number(self) -> str:
        """Its two digits."""
        return self.chapter[:2]

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the chapter does without."""
        present = {"notebook": self.notebook, "exercises": self.exercises}
        return tuple(name for name, wanted in present.items() if not wanted)

    def module(self, project: Project, wanted: int | None) -> Module:
        """The module of ROADMAP.md that the chapter belongs to: `wanted`, or the one that plans it, or the last.

        Raises:
            InputError: There is no such module, or another one plans a chapter of this number.
        """
        rows = {module.number: module for module in modules(project.roadmap())}
        planned = [module for module in rows.values() if int(self.number) in module.chapters]
        if wanted is None:
            return planned[0] if planned else rows[max(rows)]
        if wanted not in rows:
            raise unknown("module", str(wanted), map(str, rows))
        if planned and planned[0].number != wanted:
            raise InputError(f"ROADMAP.md has chapter {self.number} in module {planned[0].number}, not in {wanted}")
        return rows[wanted]

    def check_is_free(self, project: Project) -> None:
        """See that no chapter has the name or the number.

        Raises:
            InputError: One has.
        """
        folder = project.root / "models" / self.chapter
        if folder.exists():
            raise InputError(f"{folder} is there already; take another name")
        for chapter in project.chapters():
            number, name = chapter.name.split("_", 1)
            if int(number) == int(self.number):
                raise InputError(f"{self.number} is the number of {chapter.name}; take another")
            if name == self.chapter[3:]:
                raise InputError(f"{name} is the name of {chapter.name}; take another")

    def answers(self, module: Module) -> dict[str, str]:
        """The variables of `template/cookiecutter.json`."""
        return {
            "chapter": self.chapter,
            "number": self.number,
            "title": self.title,
            "authors": self.authors,
            "byline": f"{self.authors} {self.year}".strip(),
            "year": str(self.year),
            "paper": self.paper,
            "url": self.url,
            "constants": self._constants(module),
            "data": self.data,
            "experiment": EXPERIMENTS[self.data],
            "notebook": "yes" if self.notebook else "no",
            "exercises": "yes" if self.exercises else "no",
        }

    def _constants(self, module: Module) -> str:
        """The assignments of `src/constants.py`, as black writes them."""
        lines = [
            _assignment("TITLE", self.title),
            _assignment("PAPER", self.paper),
            _assignment("AUTHORS", self.authors),
            f"YEAR = {self.year}",
            _assignment("URL", self.url),
            _assignment("MODULE", module.title),
        ]
        if self.left_out:
            names = ", ".join(f'"{name}"' for name in self.left_out)
            lines.append(f"LEFT_OUT = ({names}{',' if len(self.left_out) == 1 else ''})")
        return "\n".join(lines)


def _assignment(name: str, text: str) -> str:
    """`text` under a name in Python, over several lines where it is too long for one."""
    line = f"{name} = {_quoted(text)}"
    if len(line) <= _WIDTH:
        return line
    parts = textwrap.wrap(text, _WIDTH - 20, drop_whitespace=False, break_on_hyphens=False)
    return "\n    ".join([f"{name} = (", *map(_quoted, parts)]) + "\n)"


def _quoted(text: str) -> str:
    quote = '"' if text.count('"') <= text.count("'") else "'"
    return quote + text.replace(quote, f"\\{quote}") + quote
