"""What a version keeps of a run: all that serving and judging it needs, and nothing that could run code.

| file | what |
|---|---|
| `model.pt` | the checkpoint: the best one of the run, else the last |
| `config.yaml`, `metrics.json`, `metrics.jsonl` | the run's config, its results and its record |
| `signature.json` | what the model takes and gives (`inference.signature`) |
| `model.onnx` | the same computation in another form, checked against the checkpoint |
| `MODEL_CARD.md` | data, measures, claims, licence, limits |
| `manifest.json` | the SHA-256 of each of these |
"""

import json
import shutil
from pathlib import Path
from typing import Any

from deployment.export.bundle import bundle
from deployment.registry.manifest import CHECKPOINT
from engine.checkpoint.content import read_checkpoint
from engine.checkpoint.file import save_checkpoint
from engine.checkpoint.resolve import checkpoint_in
from engine.runs.run import Folders, read_summary
from inference.predictor import Predictor
from utils.errors import InputError
from utils.files import cannot_write, write_atomic
from utils.strict_json import dumps

RECORD, SIGNATURE = "metrics.jsonl", "signature.json"


def assemble(chapter: Path, outputs: Path, run_id: str, folder: Path) -> dict[str, str]:
    """Make `folder`, the bundle of a finished run.

    Args:
        chapter: The chapter's folder.
        outputs: Where its runs are.
        run_id: The run.
        folder: Must not exist.

    Returns:
        What a list of versions shows of it, as tags.

    Raises:
        InputError: The run did not finish, kept no checkpoint, or cannot be asked.
        RunError: It cannot be exported, or the disk is full.
    """
    summary = read_summary(outputs, run_id)
    if summary["status"] != "finished":
        raise InputError(f"run {run_id} is {summary['status']}, and only a finished one can be registered")
    folders = Folders.of(outputs, run_id)
    path = checkpoint_in(folders.models)
    predictor = Predictor.from_checkpoint(chapter, str(path), outputs)
    bundle(predictor, ["onnx"], folder)
    signature = json.dumps(predictor.signature.model_dump(mode="json"), indent=2)
    write_atomic(folder / SIGNATURE, f"{signature}\n")
    try:
        if path.is_dir():  # sharded: one file is enough from here on
            save_checkpoint(folder / CHECKPOINT, read_checkpoint(path, chapter))
        else:
            shutil.copyfile(path, folder / CHECKPOINT)
        for file in (folders.models / "config.yaml", folders.logs / RECORD):
            shutil.copyfile(file, folder / file.name)
        started_from = summary.get("started_from")  # a path on this machine; its end says which run
        kept = {**summary, "started_from": started_from and "/".join(Path(started_from).parts[-2:])}
        write_atomic(folder / "metrics.json", dumps(kept, indent=2) + "\n")
    except OSError as error:
        raise cannot_write(folder, error) from error
    return {
        "run_id": run_id,
        "experiment": predictor.config.experiment,
        "seed": str(predictor.config.seed),
        "step": str(predictor.step),
        "data": predictor.data.fingerprint,
        "signature": predictor.signature.digest(),
        "commit": _commit(folders.models / "environment.json"),
    }


def _commit(environment: Path) -> str:
    """The git commit that a run was made with; "unknown" where git did not tell it."""
    try:
        git: dict[str, Any] | None = json.loads(environment.read_text(encoding="utf-8"))["git"]
    except (OSError, ValueError, KeyError):
        git = None
    return str((git or {}).get("commit", "unknown"))
