"""Which environments the project installs, and what each is asked to hold."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.governance.text import read_text
from project.chapters import Project
from utils.errors import InputError

# Where lists of packages lie; the template's is compared with tests/requirements.txt by a test.
LISTS = (
    "*requirements*.txt",
    "[!.]*/requirements*.txt",
    "models/*/requirements*.txt",
    "deployment/**/requirements*.txt",
)
PEERS = "tools/**/requirements/*.txt"
DOCKERFILE = "deployment/containers/Dockerfile"
IMAGES = {"api": ("api", "registry"), "training": (), "ui": ("interface",)}
"""A target of the Dockerfile to the services whose lists it installs together with a chapter's."""


@dataclass(frozen=True)
class Environment:
    """What is installed together."""

    name: str
    requirements: tuple[str, ...]
    """Such as `click==8.5.1`, sorted."""

    def direct(self) -> dict[str, str]:
        """Package to the version that is asked for, or to nothing where a range is."""
        return dict(pinned(line) for line in self.requirements)


def environments(project: Project) -> list[Environment]:
    """Every stage of every virtual environment, and every other list of packages; equal ones once."""
    names: dict[tuple[str, ...], list[str]] = {}
    chapters = project.chapters()
    for stage in project.venv().stages:
        names.setdefault(_asked(stage.install, project.root), []).append(_name("root", stage.name))
    for chapter in chapters:
        for stage in project.venv(chapter).stages:
            names.setdefault(_asked(stage.install, chapter.folder), []).append(_name(chapter.name, stage.name))
        stages = {stage.name: stage.install for stage in project.venv(chapter).stages}
        for services in (several for several in IMAGES.values() if len(several) > 1):
            together = [word for service in services for word in stages[service]]
            names.setdefault(_asked(together, chapter.folder), []).append(_name(chapter.name, *services))
    used = {path for venv in (project.venv(), *map(project.venv, chapters)) for s in venv.stages for path in s.inputs}
    for path in lists(project.root):
        if path not in used:
            names.setdefault(_unique(_lines(path)), []).append(str(path.relative_to(project.root)))
    if (dockerfile := project.root / DOCKERFILE).exists():
        tools = re.findall(r"\bpip install .*?(\S+==\S+)", read_text(dockerfile))
        names.setdefault(_unique(tools), []).append(DOCKERFILE)
    return [Environment(_joined(found, len(chapters)), asked) for asked, found in names.items()]


def lists(root: Path) -> list[Path]:
    """Every file of the repository that lists packages."""
    return sorted({path for pattern in (*LISTS, PEERS) for path in root.glob(pattern)})


def pinned(requirement: str) -> tuple[str, str]:
    """`("torch", "2.13.0")` for `torch==2.13.0`; the version is empty where a range is asked for."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    if found is None:
        raise InputError(f"'{requirement}' names no package")
    _, exactly, version = requirement.partition("==")
    return normal(found[0]), version.split(";")[0].strip() if exactly else ""


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _asked(install: Sequence[str], home: Path) -> tuple[str, ...]:
    """What `pip install` with these arguments, typed in `home`, is asked for."""
    arguments = iter(install)
    lines: list[str] = []
    for argument in arguments:
        value = next(arguments)
        lines += _lines(Path(value)) if argument == "-r" else _ranges(home / value)
    return _unique(lines)


def _lines(path: Path) -> Iterator[str]:
    """The requirements in `path`, those of other lists and projects that it names among them."""
    for line in read_text(path).splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        option, _, value = line.partition(" ")
        if option == "-r":
            yield from _lines(_inside(path, value))
        elif option == "-e":
            yield from _ranges(_inside(path, value))
        elif line and not line.startswith("-"):
            yield line


def _inside(path: Path, relative: str) -> Path:
    return (path.parent / relative.strip()).resolve()


def _ranges(project: Path) -> list[str]:
    """What the shared packages accept."""
    dependencies: list[str] = tomllib.loads(read_text(project / "pyproject.toml"))["project"]["dependencies"]
    return dependencies


def _unique(lines: Iterator[str] | list[str]) -> tuple[str, ...]:
    """Each once, without the ranges of packages that are pinned anyway."""
    found = set(lines)
    exact = {pinned(line)[0] for line in found if pinned(line)[1]}
    return tuple(sorted(line for line in found if pinned(line)[1] or pinned(line)[0] not in exact))


def _name(owner: str, *stages: str) -> str:
    return " + ".join([owner, *(stage for stage in stages if stage != "base")])


def _joined(names: list[str], chapters: int) -> str:
    """`every chapter + api` in place of all the chapters with their `+ api`."""
    of_chapters = [name for name in names if re.match(r"\d", name)]
    if 1 < chapters == len(of_chapters):
        _, plus, stage = of_chapters[0].partition(" + ")
        names = [f"every chapter{plus}{stage}", *(name for name in names if name not in of_chapters)]
    return ", ".join(names)
