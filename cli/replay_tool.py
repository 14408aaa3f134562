"""The work of `scratch replay`, in the chapter's environment: `python -m cli.replay_tool CHAPTER OUTPUTS RUN_ID`."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from cli.errors import run_command
from utils.errors import InputError, RunError


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path))
@click.argument("outputs", type=click.Path(path_type=Path))
@click.argument("run_id")
def replay(chapter: Path, outputs: Path, run_id: str) -> int:
    """Make a run again in a temporary folder and compare; returns the exit code."""
    from engine.comparison import differences, fingerprint
    from engine.run import Folders, read_summary, run_ids

    models = Folders.of(outputs, run_id).models
    summary = read_summary(outputs, run_id)
    if summary["status"] != "finished":
        raise InputError(
            f"run {run_id} did not finish (it is {summary['status']}); only a finished run can be compared"
        )
    recorded = _read(models / "environment.json")
    for difference in _changes(recorded, _here(recorded, chapter)):
        click.echo(f"warning: {difference}", err=True)
    original = fingerprint(Folders.of(outputs, run_id))
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder)
        _train(chapter, models, summary["started_from"], recorded, again)
        copy = fingerprint(Folders.of(again, *run_ids(again)))
    kept = {path.name for path in models.glob("model_*.pt")}  # others were pruned or never saved
    copy = {name: value for name, value in copy.items() if not name.endswith(".pt") or name.split()[-1] in kept}
    different = differences(original, copy)
    for name in different:
        click.echo(f"differs: {name}")
    click.echo(
        f"{len(original) - len(different)} of {len(original)} parts of run {run_id} are the same to the last bit"
    )
    return 1 if different else 0


def _train(chapter: Path, models: Path, started_from: str | None, recorded: dict[str, Any], outputs: Path) -> None:
    start = ["--load-checkpoint", started_from] if started_from else []
    quiet = ["tracking.wandb.enabled=false", "tracking.tensorboard=false"]
    threads = {"OMP_NUM_THREADS": str(recorded["hardware"]["threads"])}  # sums depend on it
    done = subprocess.run(
        [
            *(sys.executable, str(chapter / "src/train.py"), "--config", str(models / "config.yaml")),
            *("--outputs", str(outputs), *start, *quiet),
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env={**os.environ, **threads, **recorded["environment"]},
    )
    if done.returncode != 0:
        raise RunError(f"the replay failed: {' '.join(done.stderr.splitlines()[-1:]).removeprefix('error: ')}")


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        raise InputError(f"{path} cannot be read; a replay needs to know what the run was made with") from None
    return content


def _here(recorded: dict[str, Any], chapter: Path) -> dict[str, Any]:
    import torch

    from engine.environment import snapshot

    return snapshot(torch.device(recorded["hardware"]["device"]), chapter)


def _changes(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What is no longer as it was when the run was made, one line each."""
    pairs = {name: (then.get(name), now[name]) for name in ("python", "platform")}
    pairs |= {name: (then["hardware"].get(name), now["hardware"][name]) for name in ("cpu", "gpu")}
    packages = sorted({*then["packages"], *now["packages"]})
    pairs |= {name: (then["packages"].get(name), now["packages"].get(name)) for name in packages}
    git_then, git_now = then["git"] or {}, now["git"] or {}
    pairs["commit"] = git_then.get("commit"), git_now.get("commit")
    found = [f"{name} was {old or 'absent'}, is {new or 'absent'}" for name, (old, new) in pairs.items() if old != new]
    if git_then.get("diff") != git_now.get("diff"):
        found.append("the changes against the commit are not those of the run")
    return found


if __name__ == "__main__":
    run_command(replay, "scratch replay")
