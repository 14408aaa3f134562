"""Runs, metrics, pictures and checkpoints on wandb: online when logged in, otherwise in a folder to upload later."""

import contextlib
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.config import WandbConfig
from engine.tracking.base import Row, RunInfo
from engine.tracking.wandb_client import (
    ANSWER_SECONDS,
    UPLOAD_SECONDS,
    close_client,
    explain,
    first_line,
    mode,
    open_client,
    require_login,
)
from utils.errors import ScratchError


class WandbTracker:
    """Shows a run on wandb.

    Rows are plotted over our own `step`, so that wandb's counter, which may only grow, drops nothing after a resume.
    A resumed run keeps its id. Online it is continued; offline it gets one more folder, and `wandb sync` puts the
    folders of a run one after the other.

    Args:
        config: The project, and the entity where it is not the user's default.
    """

    name, together = "wandb", 0.0

    def __init__(self, config: WandbConfig) -> None:
        self._config = config
        self._wandb: Any = None
        self._run: Any = None
        self._online = False
        self._artifact = ""
        self._not_kept: str | None = None

    def start(self, run: RunInfo) -> str | None:
        """Open the run online, or offline if that cannot be; the line says where it is and what went wrong."""
        self._artifact = f"{run.chapter}-{run.experiment}"
        self._wandb = open_client(run.logs / "wandb")
        chosen, why = mode(self._wandb), ""
        if chosen == "online":
            try:
                require_login(self._wandb)
                self._open(run, "online")
            except ScratchError as error:
                why = f"{error}; continuing offline"
            except self._wandb.Error as error:
                why = f"{explain(self._wandb, error)}; continuing offline"
                close_client(self._wandb)  # the failed run would keep its id to itself
                open_client(run.logs / "wandb")
        if self._run is None:
            self._open(run, "offline" if why else chosen)
        if chosen == "disabled":
            return None
        if self._online:
            return f"wandb: {self._run.url}"
        return f"wandb: {why or 'offline'}; upload the run later with: {self._upload_command()}"

    def log(self, rows: Sequence[Row]) -> None:
        """Hand the rows to wandb's own process, which uploads them in batches."""
        for row in rows:
            self._run.log(dict(row))

    def figure(self, name: str, path: Path, step: int) -> None:
        """Show the picture as a panel of its own."""
        self._run.log({f"figures/{name}": self._wandb.Image(str(path)), "step": step})

    def checkpoint(self, files: Sequence[Path], aliases: Sequence[str], metadata: Mapping[str, Any]) -> None:
        """Log the files as a new version of the artifact `<chapter>-<experiment>`, and wait a while for its upload."""
        from wandb.sdk.artifacts.exceptions import WaitTimeoutError

        artifact = self._wandb.Artifact(self._artifact, type="model", metadata=dict(metadata))
        for file in files:
            artifact.add_file(str(file))
        try:
            logged = self._run.log_artifact(artifact, aliases=list(aliases))
            if self._online:
                with contextlib.suppress(WaitTimeoutError):  # `finish` waits once more
                    logged.wait(timeout=UPLOAD_SECONDS)
        except Exception as error:  # of many classes; the run's rows are still worth uploading
            self._not_kept = f"the checkpoint is not on wandb ({first_line(error)}) but in {files[0].parent}"

    def finish(self, status: str) -> str | None:
        """Close the run; the line says what wandb did not get."""
        problems = [self._not_kept] if self._not_kept else []
        try:
            self._run.finish(exit_code=0 if status == "finished" else 1)
        except TimeoutError:
            problems.append(f"not everything was uploaded; the rest later with: {self._upload_command()}")
        finally:
            close_client(self._wandb)
        return f"wandb: {'; '.join(problems)}" if problems else None

    def _open(self, run: RunInfo, mode: str) -> None:
        self._run = self._wandb.init(
            project=self._config.project,
            entity=self._config.entity,
            id=run.run_id,
            name=run.run_id,
            group=f"{run.chapter}/{run.experiment}",
            tags=run.tags,
            config=dict(run.config),
            dir=str(run.logs),
            mode=mode,
            resume="allow" if mode == "online" and run.resumed_at is not None else None,
            settings=self._wandb.Settings(
                silent=True,
                console="off",
                init_timeout=ANSWER_SECONDS,
                finish_timeout=UPLOAD_SECONDS,
                finish_timeout_raises=True,
                # What a run is made of is in its own folder already; wandb is told the metrics and no more.
                disable_git=True,
                disable_code=True,
                save_code=False,
                label_disable=True,
                x_disable_meta=True,
                x_disable_machine_info=True,
                x_disable_stats=True,
                x_save_requirements=False,
            ),
        )
        self._online = mode == "online"
        self._run.define_metric("step", hidden=True)
        self._run.define_metric("*", step_metric="step")

    def _upload_command(self) -> str:
        """What uploads this run; folders of it that have been uploaded are passed over."""
        folder = Path(self._run.settings.sync_dir)
        folders = sorted(folder.parent.glob("offline-run-*")) if self._run.offline else [folder]
        return shlex.join(["wandb", "sync", *([] if self._run.offline else ["--include-online"]), *map(str, folders)])
