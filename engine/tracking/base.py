"""What a tracker is. `metrics.jsonl` is the record; a tracker shows a copy of it somewhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from engine.runs.run import Run

Row = Mapping[str, float]


@dataclass(frozen=True)
class RunInfo:
    """What a tracker may know of a run."""

    run_id: str
    chapter: str
    experiment: str
    tags: tuple[str, ...]
    config: Mapping[str, Any]
    """The resolved config as plain data."""
    logs: Path
    """The folder in which the tracker may keep files."""
    resumed_at: int | None
    """The step from which a resumed run goes on; None for a new run."""
    recorded_bytes: int
    """The size of `metrics.jsonl` at that step: `log` gets the rows that follow."""

    @classmethod
    def of(cls, run: Run, step: int, recorded_bytes: int) -> "RunInfo":
        """What there is to know of `run` as it begins, or goes on after `step` steps."""
        config = run.config
        return cls(
            run_id=run.run_id,
            chapter=run.chapter.name,
            experiment=config.experiment,
            tags=config.tags,
            config=config.model_dump(mode="json"),
            logs=run.folders.logs,
            resumed_at=step if run.options.resume else None,
            recorded_bytes=recorded_bytes,
        )


@runtime_checkable  # tests check annotations at run time
class Tracker(Protocol):
    """Somewhere to show a run. Any method may raise: the tracker is then dropped and the training goes on."""

    name: str
    together: float
    """For how many seconds rows wait for others: more than none where a call costs more than what it is about."""

    def start(self, run: RunInfo) -> str | None:
        """Open the run; returns a line for the narrative log, such as where to look, or None."""

    def log(self, rows: Sequence[Row]) -> None:
        """Show rows of `metrics.jsonl`; each has `step`."""

    def figure(self, name: str, path: Path, step: int) -> None:
        """Show a picture that lies at `path`."""

    def checkpoint(self, files: Sequence[Path], aliases: Sequence[str], metadata: Mapping[str, Any]) -> None:
        """Keep the files of a finished run's checkpoints."""

    def finish(self, status: str) -> str | None:
        """Close the run as finished, failed or interrupted; returns a last line for the narrative log, or None."""
