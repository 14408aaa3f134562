"""A run made again from its config, and compared bit for bit."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.checkpoint.compare import differences, run_digests
from engine.device.hardware import present
from engine.runs.environment import snapshot
from engine.runs.provenance import changes, read_environment, resumes
from engine.runs.run import Folders, read_summary, run_ids
from utils.errors import InputError, RunError
from utils.ranks import launch_command
from utils.terminal.processes import Children, why_it_failed


@dataclass(frozen=True)
class Replayed:
    """How a copy of a run compares.

    Attributes:
        parts: How many parts were compared: rows, results, tensors of checkpoints.
        different: Those that are not the same to the last bit.
    """

    parts: int
    different: list[str]


def replay(chapter: Path, outputs: Path, run_id: str, warn: Callable[[str], None]) -> Replayed:
    """Make a run again in a temporary folder and compare.

    Args:
        chapter: The folder of the chapter that made it.
        outputs: Where the chapter's runs are.
        run_id: The run.
        warn: Told in a line where versions, hardware or code are no longer those of the run.

    Raises:
        InputError: The run did not finish, or was not made by a train.py.
        RunError: The replay failed.
    """
    models = Folders.of(outputs, run_id).models
    summary = read_summary(outputs, run_id)
    if summary["status"] != "finished":
        raise InputError(
            f"run {run_id} did not finish (it is {summary['status']}); only a finished run can be compared"
        )
    recorded = read_environment(models / "environment.json")
    _refuse_what_train_py_did_not_make(run_id, recorded)
    for difference in changes(recorded, _here(run_id, recorded, chapter)):
        warn(difference)
    for resume in resumes(recorded):
        warn(f"the run was not made in one place: {resume}; all is replayed as it began")
    original = run_digests(Folders.of(outputs, run_id))
    with tempfile.TemporaryDirectory() as folder:
        _train(chapter, models, summary.get("started_from"), recorded, Path(folder))
        copy = run_digests(_run_of_seed(Path(folder), summary.get("seed")))
    kept = {path.name for path in models.glob("model_*.pt")}  # others were pruned or never saved
    copy = {name: value for name, value in copy.items() if not name.endswith(".pt") or name.split()[-1] in kept}
    return Replayed(len(original), differences(original, copy))


def _refuse_what_train_py_did_not_make(run_id: str, recorded: dict[str, Any]) -> None:
    """Another program may have done more than the config says: `scratch optimise` prunes."""
    made_by = Path(recorded["command"][1])
    if made_by.name != "train.py":
        raise InputError(
            f"run {run_id} cannot be replayed: it was made by {made_by} and not by a train.py, and its config "
            "does not say what else that did, such as pruning"
        )


def _train(chapter: Path, models: Path, started_from: str | None, recorded: dict[str, Any], outputs: Path) -> None:
    """Train again under `outputs`, with as many processes, and with the seeds that shared the steps."""
    processes, seeds = recorded["processes"], recorded["seeds_together"]
    log = outputs / "output"
    with Children() as children, log.open("wb") as output:
        code = children.run(
            [
                *launch_command(chapter / "src/train.py", processes),
                *("--config", str(models / "config.yaml"), "--outputs", str(outputs)),
                *(["--load-checkpoint", started_from] if started_from else []),
                *(["--seeds", ",".join(map(str, seeds))] if seeds else []),
                *("tracking.wandb.enabled=false", "tracking.mlflow.enabled=false", "tracking.tensorboard=false"),
            ],
            Path.cwd(),
            output,
            {"OMP_NUM_THREADS": str(recorded["hardware"]["threads"]), **recorded["environment"]},
        )
    if code != 0:
        raise RunError(f"the replay failed: {why_it_failed(log)}")


def _run_of_seed(outputs: Path, seed: object) -> Folders:
    for run_id in run_ids(outputs):
        if read_summary(outputs, run_id)["seed"] == seed:
            return Folders.of(outputs, run_id)
    raise InputError(f"the run's metrics.json says that its seed is {seed}, and its config says otherwise")


def _here(run_id: str, recorded: dict[str, Any], chapter: Path) -> dict[str, Any]:
    device = torch.device(recorded["hardware"]["device"])
    present(device.type, f"the device of run {run_id}", "a machine that has it")
    return snapshot(device, chapter)
