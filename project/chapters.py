"""What chapters there are and what each says of itself, read without importing or running any of it."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from project.roadmap import modules
from project.venvs import Venv, chapter_venv, root_venv
from utils.errors import InputError, unknown
from utils.runs import LATEST, run_folders

ROOT = Path(__file__).resolve().parent.parent
WORKSPACE = "workspace"


@dataclass(frozen=True)
class Experiment:
    """One file of a chapter's `config/experiment/`."""

    name: str
    goal: str
    content: dict[str, Any]
    """The file itself, before it is put together with the others: seeds, claims, notes."""


@dataclass(frozen=True)
class Chapter:
    """A folder `NN_name` under `models/`, or a learner's copy of one under `workspace/`."""

    folder: Path

    @property
    def name(self) -> str:
        """`01_perceptron`."""
        return self.folder.name

    def constants(self) -> dict[str, Any]:
        """The strings, numbers and tuples that `src/constants.py` assigns to names in capitals.

        Raises:
            InputError: The file is missing or is not Python.
        """
        path = self.folder / "src/constants.py"
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError) as error:
            raise InputError(f"{path}: {error}; a chapter tells its title, paper and year there") from error
        return dict(pair for statement in tree.body for pair in _assignments(statement))

    def left_out(self) -> tuple[str, ...]:
        """What the chapter says that it does without: its notebook, its exercises, or nothing."""
        names: tuple[str, ...] = self.constants().get("LEFT_OUT", ())
        return names

    def experiments(self) -> list[Experiment]:
        """The chapter's experiments, by name.

        Raises:
            InputError: A file is not YAML, or says no goal.
        """
        paths = (self.folder / "config/experiment").glob("*.yaml")
        return [_experiment(path) for path in sorted(paths, key=lambda path: path.stem)]


@dataclass(frozen=True)
class Project:
    """A clone of the repository."""

    root: Path = ROOT

    def chapters(self) -> list[Chapter]:
        """Every chapter, in reading order."""
        models = self.root / "models"
        if not models.is_dir():
            raise InputError(f"{models} is missing; scratch works inside a clone of the repository")
        return [Chapter(path) for path in sorted(models.iterdir()) if re.fullmatch(r"\d+_\w+", path.name)]

    def chapter(self, name: str) -> Chapter:
        """The chapter called `01_perceptron`, `perceptron`, `01` or `1`; a path to its folder will do too.

        A path in `workspace` is the learner's copy: `workspace/01_perceptron`, or `workspace/01`.
        """
        if Path(name).parent.name == WORKSPACE:
            return self._copy(self.chapter(Path(name).name))
        wanted = Path(name).name.lower()
        chapters = self.chapters()
        for chapter in chapters:
            number, title = chapter.name.split("_", 1)
            if wanted in (chapter.name, title) or (wanted.isdecimal() and int(wanted) == int(number)):
                return chapter
        raise unknown("chapter", name, (chapter.name for chapter in chapters))

    def served(self, name: str) -> Chapter:
        """The chapter called `name`, whose models can be asked.

        Raises:
            InputError: It does not say what their answers mean.
        """
        chapter = self.chapter(name)
        if not (chapter.folder / "src/serving.py").is_file():
            raise InputError(
                f"{chapter.name} cannot be asked: it has no src/serving.py, which says what its answers mean"
            )
        return chapter

    def trained(self, name: str, checkpoint: str, outputs: Path | None) -> Chapter:
        """The chapter called `name`, for a command that asks a model of it: what is missing is told before its packages
        are installed.

        Args:
            name: As above.
            checkpoint: Which model; it is seen here that there is no `latest`, or that a run is another chapter's.
            outputs: Where its runs are; None for the chapter's own.

        Raises:
            InputError: It does not say what its answers mean, or there is no run.
        """
        chapter = self.served(name)
        runs = _run_ids(outputs or chapter.folder / "outputs")
        if checkpoint == LATEST and not runs:
            where = f"in {outputs}" if outputs else "yet"
            known = ", ".join(experiment.name for experiment in chapter.experiments())
            train = f"./scratch train {chapter.name} --experiment NAME"
            raise InputError(
                f"{chapter.name} has no trained model {where}; make one: {train}, where NAME is one of: {known}"
            )
        others = [] if outputs or checkpoint in runs else self.chapters()
        for other in others:
            if other.name != chapter.name and checkpoint in _run_ids(other.folder / "outputs"):
                raise InputError(f"{chapter.name} has no run '{checkpoint}': it is one of {other.name}")
        return chapter

    def workspace(self, chapter: Chapter) -> Path:
        """Where a learner's copy of `chapter` is, or would be."""
        return self.root / WORKSPACE / chapter.name

    def original(self, chapter: Chapter) -> Chapter:
        """The chapter that `chapter` is a copy of, or `chapter` itself."""
        return Chapter(self.root / "models" / chapter.name)

    def _copy(self, chapter: Chapter) -> Chapter:
        folder = self.workspace(chapter)
        if not folder.is_dir():
            raise InputError(
                f"there is no {WORKSPACE}/{chapter.name} yet; `./scratch exercise {chapter.name}` makes it"
            )
        return Chapter(folder)

    def choose(self, names: tuple[str, ...]) -> list[Chapter]:
        """The chapters called `names`, each once, in reading order."""
        chosen = {self.chapter(name).name for name in names}
        return [chapter for chapter in self.chapters() if chapter.name in chosen]

    def modules(self) -> dict[int, tuple[str, list[Chapter]]]:
        """Number to title and chapters of each module of ROADMAP.md; a chapter names its own in `constants.py`.

        Raises:
            InputError: ROADMAP.md is missing.
        """
        named = [(chapter.constants().get("MODULE"), chapter) for chapter in self.chapters()]
        return {
            module.number: (module.title, [chapter for title, chapter in named if title == module.title])
            for module in modules(self.roadmap())
        }

    def roadmap(self) -> str:
        """The text of ROADMAP.md.

        Raises:
            InputError: It is missing.
        """
        path = self.root / "ROADMAP.md"
        try:
            return path.read_text("utf-8")
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}; it says which chapters a module has") from None

    def venv(self, chapter: Chapter | None = None) -> Venv:
        """The virtual environment of a chapter, which a copy of it shares; or the root's."""
        return root_venv(self.root) if chapter is None else chapter_venv(self.root, self.original(chapter).folder)


def _run_ids(outputs: Path) -> list[str]:
    return [folder.name for folder in run_folders([outputs])]


def _assignments(statement: ast.stmt) -> list[tuple[str, Any]]:
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets, value = [statement.target], statement.value
    else:
        return []
    try:
        constant = ast.literal_eval(value)
    except ValueError:
        return []
    return [(target.id, constant) for target in targets if isinstance(target, ast.Name) and target.id.isupper()]


def _experiment(path: Path) -> Experiment:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict) or not content.get("goal"):
        raise InputError(f"{path} has no goal; say in one sentence what the experiment shows")
    return Experiment(path.stem, str(content["goal"]), content)
