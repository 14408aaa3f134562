"""Whether two runs came to the same, bit for bit."""

import json
from collections.abc import Mapping
from typing import Any

from engine.checkpoint.file import digest, load_checkpoint
from engine.runs.metrics_log import read_rows
from engine.runs.run import Folders

_STATE = ("step", "model", "average", "optimizers", "scaler", "best", "random")


def run_digests(folders: Folders) -> dict[str, Any]:
    """What a run left but for its times and its name: both checkpoints as digests, the record, and `metrics.json`.

    Raises:
        InputError: A checkpoint is damaged.
    """
    found: dict[str, Any] = {}
    for path in sorted(folders.models.glob("model_*.pt")):
        content = load_checkpoint(path)
        found |= {f"{name} in {path.name}": digest(content[name]) for name in _STATE}
    for number, row in enumerate(read_rows(folders.logs / "metrics.jsonl"), start=1):
        found[f"row {number} of metrics.jsonl"] = _without_times(row)
    summary = json.loads((folders.models / "metrics.json").read_text(encoding="utf-8"))
    for name, value in _without_times(summary).items():
        if name != "run_id":
            found[f"{name} in metrics.json"] = _without_times(value) if isinstance(value, dict) else value
    return found


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The names of the parts in which two fingerprints differ; a number that is not one equals itself."""
    names = dict.fromkeys([*ours, *theirs])
    return [name for name in names if json.dumps(ours.get(name)) != json.dumps(theirs.get(name))]


def _without_times(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if name != "seconds" and not name.startswith(("speed/", "model/time_"))
    }
