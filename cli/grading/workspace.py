"""A learner's copy of a chapter, `workspace/NN_name`, whose hand-written regions are blank until they are filled."""

import json
import shutil
from pathlib import Path
from typing import Any

from cli.grading.blanks import Region, body_of, find_regions, read_sources, with_body
from cli.grading.spec import EXERCISES, Exercises, Part
from utils.errors import InputError
from utils.files import write_atomic

PROGRESS = ".progress.json"


class Workspace:
    """The copy of one chapter.

    Args:
        folder: Where it is, or will be.
        exercises: The chapter's exercises.
    """

    def __init__(self, folder: Path, exercises: Exercises) -> None:
        self.folder = folder
        self.exercises = exercises

    def create(self) -> None:
        """Copy the chapter, without its tests and with every part blank.

        Raises:
            InputError: There is a copy already.
        """
        if self.folder.exists():
            raise InputError(
                f"{self._name} is there already; --reset makes its parts blank again and keeps what you wrote as a "
                "backup, and without the folder you can start anew"
            )
        left_out = shutil.ignore_patterns("outputs", ".venv", "__pycache__", ".ipynb_checkpoints", "tests", EXERCISES)
        shutil.copytree(self.exercises.chapter, self.folder, ignore=left_out)
        self._write(dict(self.exercises.blanked(self.exercises.parts)))

    def sources(self) -> dict[str, str]:
        """The learner's Python files.

        Raises:
            InputError: There is no copy, or a file with a part in it is gone.
        """
        self._must_exist()
        sources = read_sources(self.folder)
        for region in self.exercises.regions.values():
            if region.file not in sources:
                raise InputError(f"{self._name}/{region.file} is gone; --reset {region.part} brings it back")
        return sources

    def reset(self, part: Part | None) -> Path:
        """Make `part` blank again, or the whole of `src` as it came; returns the folder of the backup."""
        self._must_exist()
        wanted = self.exercises.blanked(self.exercises.parts)
        if part is not None:
            return self._put(part, body_of(wanted, find_regions(wanted, self.folder)[part.part]))
        backup = self._backup()
        self._write(dict(wanted))
        self._remember(stopped_at=self.exercises.parts[0].part, hints={})
        return backup

    def solve(self, part: Part) -> Path:
        """Put the chapter's own lines into `part`; returns the folder of the backup."""
        return self._put(part, self.exercises.solution(part))

    def next_hint(self, part: Part, step: int | None) -> tuple[int, str]:
        """Hint number `step` of `part`, counted from 1; without a step the one after the last that was given.

        Raises:
            InputError: There is no such step.
        """
        self._must_exist()
        given = self.progress()["hints"]
        if step is None:
            step = min(given.get(part.part, 0) + 1, len(part.hints))
        if not 1 <= step <= len(part.hints):
            raise InputError(f"part {part.part} has hints 1 to {len(part.hints)}, not {step}")
        self._remember(hints=given | {part.part: max(step, given.get(part.part, 0))})
        return step, part.hints[step - 1]

    def current(self) -> Part:
        """The part at which the last check stopped, or the first one."""
        self._must_exist()
        stopped_at = self.progress()["stopped_at"]
        return next((part for part in self.exercises.parts if part.part == stopped_at), self.exercises.parts[0])

    def progress(self) -> dict[str, Any]:
        """`stopped_at`, a part or None, and `hints`, how many were given of which part."""
        try:
            found = json.loads((self.folder / PROGRESS).read_text(encoding="utf-8"))
            return {"stopped_at": found["stopped_at"], "hints": dict(found["hints"])}
        except (OSError, ValueError, KeyError, TypeError):  # not there yet, or edited: nothing depends on it
            return {"stopped_at": None, "hints": {}}

    def stopped_at(self, part: Part | None) -> None:
        """Note how far the learner is."""
        self._remember(stopped_at=part.part if part else None)

    def _put(self, part: Part, body: str) -> Path:
        sources = self.sources()
        region = self._region(part, sources)
        backup = self._backup()
        self._write({region.file: with_body(sources, region, body)[region.file]})
        return backup

    def _region(self, part: Part, sources: dict[str, str]) -> Region:
        file = self.exercises.region(part).file
        found = find_regions({file: sources[file]}, Path(self._name))
        if part.part not in found:
            raise InputError(
                f"the lines '# exercise {part.part}: ...' and '# end exercise' are gone from {self._name}/{file}; "
                "put them back, or start over with --reset"
            )
        return found[part.part]

    def _backup(self) -> Path:
        """Copy `src` beside itself; the newest backup has the highest number."""
        folder = self.folder / "backups"
        taken = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
        target = folder / str(max(taken, default=0) + 1)
        shutil.copytree(self.folder / "src", target, ignore=shutil.ignore_patterns("__pycache__"))
        return target

    def _write(self, files: dict[str, str]) -> None:
        for file, text in files.items():
            write_atomic(self.folder / file, text)

    def _remember(self, **changes: Any) -> None:
        write_atomic(self.folder / PROGRESS, json.dumps(self.progress() | changes))

    def _must_exist(self) -> None:
        if not (self.folder / "src").is_dir():
            raise InputError(f"there is no {self._name} yet; make it with `./scratch exercise {self.folder.name}`")

    @property
    def _name(self) -> str:
        return f"{self.folder.parent.name}/{self.folder.name}"
