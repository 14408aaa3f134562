"""The line under `# @package _global_` of an experiment's file: its command, and how long one run takes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from project.chapters import Chapter, Project

_PACKAGE, _COMMAND = "# @package _global_\n", "# ./scratch train "


def headers(project: Project, results: Mapping[str, Mapping[str, Any]]) -> dict[Path, str]:
    """The file of every experiment with results, as it should be.

    Args:
        project: The clone.
        results: Chapter to the content of its `results.json`.
    """
    return {
        path: with_header(
            path.read_text(encoding="utf-8"), chapter, experiment.name, results[chapter.name][experiment.name]
        )
        for chapter in project.chapters()
        for experiment in chapter.experiments()
        if experiment.name in results.get(chapter.name, {})
        for path in [chapter.folder / f"config/experiment/{experiment.name}.yaml"]
    }


def with_header(text: str, chapter: Chapter, experiment: str, entry: Mapping[str, Any]) -> str:
    """`text` with the line, in the place of the one that it has. Hydra wants its own line to be the first."""
    first = _PACKAGE if text.startswith(_PACKAGE) else ""
    rest = text.removeprefix(first)
    if rest.startswith(_COMMAND):
        rest = rest.partition("\n")[2]
    command = f"{_COMMAND}{chapter.name.split('_')[0]} --experiment {experiment}"
    took = f"     about {duration(entry['run_seconds'])} on one core" if "run_seconds" in entry else ""
    return f"{first}{command}{took}\n{rest}"


def duration(seconds: float) -> str:
    """So coarse that another run says the same: `1 s`, `25 s`, `2 min`."""
    if seconds < 7.5:
        return f"{max(1, round(seconds))} s"
    return f"{5 * round(seconds / 5)} s" if seconds < 57.5 else f"{max(1, round(seconds / 60))} min"
