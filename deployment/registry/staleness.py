"""Whether the results of a chapter are about its code as it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiment.reproduce.scheduler import Session
from project.chapters import Chapter, Project
from utils.terminal.processes import Children


def is_stale(chapter: Path, experiment: str, entry: Mapping[str, Any]) -> bool:
    """Whether code, settings, data cards or claims have changed since an experiment was reproduced.

    That is for `scratch reproduce` to say, with the versions that the results are of: other ones do not count, because
    the gates measure the checkpoint with those that are there.

    Args:
        chapter: The chapter's folder, in a clone.
        experiment: Its name.
        entry: What `results.json` has of it.

    Raises:
        ScratchError: A config has a mistake, or another chapter that the claims name has no environment.
    """
    with Children() as children:
        session = Session(Project(chapter.parents[1]), children, print, entry["versions"])
        (plan,) = session.plans(Chapter(chapter), [experiment], ())
    return bool(plan.digest(session.digests) != entry["digest"])
