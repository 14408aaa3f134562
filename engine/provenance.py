"""What a run was made with, as its `environment.json` has it, and what is otherwise now; without torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.config import MOST_THREADS
from utils.errors import InputError
from utils.schema import validate

Variable = Literal["OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUBLAS_WORKSPACE_CONFIG", "CUDA_VISIBLE_DEVICES"]
"""What the environment may say about last digits."""

_MACHINE = ("python", "platform", "hardware.cpu", "hardware.gpu")


class _Recorded(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Hardware(_Recorded):
    device: str = Field(pattern=r"^(cpu|cuda|mps)(:\d+)?$")
    threads: int = Field(ge=1, le=MOST_THREADS)


class _Environment(_Recorded):
    command: list[str] = Field(min_length=2)
    packages: dict[str, str]
    hardware: _Hardware
    processes: int = Field(ge=1)
    seeds_together: list[int]
    environment: dict[Variable, str]
    git: dict[str, Any] | None


def read_environment(path: Path) -> dict[str, Any]:
    """An `environment.json` that says all that is needed to make its run again.

    Raises:
        InputError: It cannot be read, or does not say that.
    """
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        raise InputError(f"{path} cannot be read, and nothing else says what the run was made with") from None
    return validate(_Environment, content, str(path)).model_dump()


def changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What of machine, versions and code is not what it was, a phrase each."""
    pairs = {name.rpartition(".")[2]: (_at(then, name), _at(now, name)) for name in _MACHINE}
    packages = sorted({*then["packages"], *now["packages"]})
    pairs |= {name: (then["packages"].get(name), now["packages"].get(name)) for name in packages}
    git_then, git_now = then["git"] or {}, now["git"] or {}
    pairs["commit"] = git_then.get("commit"), git_now.get("commit")
    found = [f"{name} was {old or 'absent'}, is {new or 'absent'}" for name, (old, new) in pairs.items() if old != new]
    if git_then.get("diff") != git_now.get("diff"):
        found.append("the changes against the commit are not those of the run")
    return found


def _at(environment: Mapping[str, Any], name: str) -> Any:
    """The value of a dotted name; None where there is none."""
    section, _, key = name.rpartition(".")
    return (environment[section] if section else environment).get(key)
