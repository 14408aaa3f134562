"""One run: its name, its folders, what it was made with, and how it ended."""

import json
import secrets
import shlex
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.config import ExperimentConfig
from engine.device.world import World
from engine.runs.provenance import note_environment
from utils import plain_yaml
from utils.errors import InputError, RunError, ScratchError
from utils.files import remove_leftovers, write_atomic
from utils.locks import ProcessLock
from utils.ranks import launch_command, spans_machines, world_size
from utils.runs import run_folders
from utils.strict_json import dumps, numbers


@dataclass(frozen=True)
class Folders:
    """Where a run leaves what."""

    models: Path
    visualizations: Path
    logs: Path

    @classmethod
    def of(cls, outputs: Path, run_id: str) -> "Folders":
        """The three folders of `run_id` under `outputs`."""
        return cls(*(outputs / kind / run_id for kind in ("models", "visualizations", "logs")))

    def files_to_keep(self) -> list[Path]:
        """The checkpoints and the config: what a tracker that keeps files is given."""
        return [path for path in sorted(self.models.iterdir()) if path.suffix in (".pt", ".yaml")]


@dataclass(frozen=True)
class Options:
    """What the command line asks of one run and the config does not hold."""

    load_checkpoint: str | None = None
    save_checkpoint: bool = True
    resume: bool = False
    plots: tuple[str, ...] = ()
    """Names of the plots to draw at the end; none without --visualize."""


@dataclass
class Run:
    """A run of one experiment of one chapter.

    Attributes:
        chapter: The chapter's folder, such as `models/01_perceptron`.
        config: The validated config.
        outputs: The folder under which `models/`, `visualizations/` and `logs/` lie.
        run_id: Experiment, seed, UTC time and four random hex digits, unless a run is resumed.
        started_from: The checkpoint file whose weights the run began with; None where they were drawn.
        world: The ranks that train together.
        seeds_together: The seeds whose runs share their steps with this one; its last digits depend on them.
    """

    chapter: Path
    config: ExperimentConfig
    outputs: Path
    options: Options = field(default_factory=Options)
    run_id: str = ""
    started_from: str | None = None
    world: World = field(default_factory=World)
    seeds_together: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.run_id:
            now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
            name = f"{self.config.experiment}-{self.config.seed}-{now}-{secrets.token_hex(2)}"
            self.run_id = self.world.from_main(lambda: name)

    @property
    def folders(self) -> Folders:
        """Where this run leaves what."""
        return Folders.of(self.outputs, self.run_id)

    @property
    def label(self) -> str:
        """What tells it from the runs that it trains with; empty where it trains alone."""
        return f"seed {self.config.seed}" if self.seeds_together else ""

    def how_to_go_on(self, step: int) -> str:
        """The line for a run that was stopped after `step` steps."""
        if not self.options.save_checkpoint:
            return f"stopped at step {step}; no checkpoint was kept (--no-save-checkpoint)"
        elsewhere = self.outputs.resolve() != (self.chapter / "outputs").resolve()
        resume = shlex.join(["--resume", self.run_id, *(["--outputs", str(self.outputs)] if elsewhere else [])])
        if spans_machines():
            return f"stopped at step {step}; go on with the same launch and {resume}"
        command = shlex.join(launch_command(self.chapter / "src/train.py", world_size()))
        return f"stopped at step {step}; go on with {command} {resume}"

    def lock(self, resumed: bool) -> AbstractContextManager[object]:
        """To be held while the run trains: two processes would spoil each other's files.

        A `resumed` run is locked before its checkpoint is read, a new one as it opens; of the two calls one is in vain.
        """
        if not self.world.is_main or self.options.resume != resumed:
            return nullcontext()
        return ProcessLock(self.folders.models / ".lock", f"run {self.run_id}")

    def open(self, environment: Mapping[str, Any], step: int) -> None:
        """Make the folders and write `environment.json`, `metrics.json` and `config.yaml`.

        A run that is resumed after `step` steps keeps its own, and notes what is no longer as it was. Of several ranks
        only rank 0 writes. `config.yaml` comes last: a run is found by it, and one that can be found
        can be resumed.

        Raises:
            RunError: Something cannot be written; of a new run nothing is left behind.
        """
        if not self.world.is_main:
            return
        noted = self.folders.models / "environment.json"
        environment = {**environment, "seeds_together": self.seeds_together}
        if self.options.resume:
            remove_leftovers(self.folders.models)
            note_environment(noted, environment, step)
            self.note("running", {})
            return
        config = plain_yaml.dumps(self.config.model_dump(mode="json"))
        try:
            note_environment(noted, environment, 0)
            self.note("running", {})
            write_atomic(self.folders.models / "config.yaml", config)
        except RunError:
            self.take_back()
            raise

    def take_back(self) -> None:
        """Remove all that a new run has written, as if it had never been opened; a resumed one keeps what it had."""
        if self.world.is_main and not self.options.resume:
            for folder in (self.folders.models, self.folders.logs):
                shutil.rmtree(folder, ignore_errors=True)

    def note(self, status: str, results: Mapping[str, Any]) -> None:
        """Write `metrics.json`: how the run stands; only rank 0 does."""
        if not self.world.is_main:
            return
        summary = {
            "run_id": self.run_id,
            "status": status,
            "started_from": self.started_from,
            "chapter": self.chapter.name,
            "experiment": self.config.experiment,
            "seed": self.config.seed,
            **results,
        }
        write_atomic(self.folders.models / "metrics.json", dumps(summary, indent=2) + "\n")


def status_of(error: BaseException | None) -> str:
    """finished, interrupted or failed, by what ended the run."""
    if error is None:
        return "finished"
    stopped = isinstance(error, KeyboardInterrupt) or (isinstance(error, ScratchError) and error.exit_code > 128)
    return "interrupted" if stopped else "failed"


def run_ids(outputs: Path) -> list[str]:
    """Every run under `outputs`, oldest first."""
    return [folder.name for folder in run_folders([outputs])]


def read_summary(outputs: Path, run_id: str) -> dict[str, Any]:
    """The `metrics.json` of a run.

    Raises:
        InputError: It is missing, or does not say how the run stands.
    """
    path = Folders.of(outputs, run_id).models / "metrics.json"
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        needed = {name: str(summary[name]) for name in ("status", "chapter")}
        return {**summary, **needed, "last": numbers(summary.get("last", {}))}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise InputError(f"run {run_id} has no readable {path.name}; start a new run") from None
