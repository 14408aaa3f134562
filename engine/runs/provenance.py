"""What a run was made with, as its `environment.json` has it, and what is otherwise now; without torch."""

import json
import logging
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.config import MOST_THREADS
from utils.errors import InputError
from utils.files import write_atomic
from utils.schema import validate

log = logging.getLogger(__name__)

Variable = Literal["OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES"]
"""What the environment may say about last digits."""

_MACHINE = ("python", "platform", "hardware.cpu", "hardware.gpu")
_CHOSEN = ("hardware.device", "hardware.threads", "processes", "seeds_together")
"""What a command line decides, and a replay sets as it was."""

_SHOWN = 4  # of what is otherwise; the file has all


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Hardware(_Recorded):
    device: str = Field(pattern=r"^(cpu|cuda|mps)(:\d+)?$")
    threads: int = Field(ge=1, le=MOST_THREADS)


class _Snapshot(_Recorded):
    command: list[str] = Field(min_length=2)
    packages: dict[str, str]
    hardware: _Hardware
    processes: int = Field(ge=1, le=MOST_THREADS)
    seeds_together: list[int]
    environment: dict[Variable, str]
    git: dict[str, Any] | None


class _Resumed(_Snapshot):
    step: int = Field(ge=1)


class _Environment(_Snapshot):
    resumed: list[_Resumed] = []


def read_environment(path: Path) -> dict[str, Any]:
    """An `environment.json` that says all that is needed to make its run again.

    Raises:
        InputError: It cannot be read, or does not say that.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{path} cannot be read, and nothing else says what the run was made with") from None
    return validate(_Environment, content, str(path)).model_dump()


def note_environment(path: Path, now: Mapping[str, Any], step: int) -> None:
    """Write to an `environment.json` what all of a run is made with, or what it goes on with after `step` steps.

    What is then not as before is said in one line, since last digits may change with it.

    Raises:
        RunError: It cannot be written.
    """
    if step == 0:
        write_atomic(path, json.dumps(now, indent=2))
        return
    try:
        noted = read_environment(path)
    except InputError as error:
        log.warning("with what the run began is not known: %s", error)
        return
    now = json.loads(json.dumps(now))  # with lists for tuples, as they were read
    if different := changes([noted, *noted["resumed"]][-1], now, _CHOSEN):
        resumed = [*noted["resumed"], {"step": step, **now}]
        write_atomic(path, json.dumps({**noted, "resumed": resumed}, indent=2))
        more = f"; and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        what = "; ".join(different[:_SHOWN]) + more
        log.warning("from step %d on, %s: last digits may be others than without a break", step, what)


def resumes(noted: Mapping[str, Any]) -> list[str]:
    """From which step on a run went on otherwise than before, and how; `noted` is its `environment.json`."""
    parts = [noted, *noted["resumed"]]
    return [
        f"from step {after['step']} on, {'; '.join(changes(before, after, _CHOSEN))}"
        for before, after in pairwise(parts)
    ]


def changes(then: Mapping[str, Any], now: Mapping[str, Any], also: tuple[str, ...] = ()) -> list[str]:
    """What of machine, versions and code is not what it was, and what of the values called `also`; a phrase each."""
    pairs = {name.rpartition(".")[2]: (_at(then, name), _at(now, name)) for name in (*_MACHINE, *also)}
    packages = sorted({*then["packages"], *now["packages"]})
    pairs |= {name: (then["packages"].get(name), now["packages"].get(name)) for name in packages}
    git_then, git_now = then["git"] or {}, now["git"] or {}
    pairs["commit"] = git_then.get("commit"), git_now.get("commit")
    found = [f"{name} was {old or 'absent'}, is {new or 'absent'}" for name, (old, new) in pairs.items() if old != new]
    if git_then.get("diff") != git_now.get("diff"):
        found.append("the changes against the commit are others")
    return found


def _at(environment: Mapping[str, Any], name: str) -> Any:
    """The value of a dotted name; None where there is none."""
    section, _, key = name.rpartition(".")
    return (environment[section] if section else environment).get(key)
