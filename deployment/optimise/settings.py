"""The numbers behind `scratch optimise`: `settings.yaml`, beside this file."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from engine.duration import Duration
from utils.schema import Strict, validate

_FILE = Path(__file__).with_name("settings.yaml")

Sparsity = Annotated[float, Field(ge=0, lt=1)]
"""The fraction of the weights that is set to zero."""


class Settings(Strict):
    """What is done where the flags do not say."""

    fine_tuning: Duration
    sparsities: tuple[Sparsity, ...]
    batches: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    rounds: int = Field(ge=1)
    seconds: float = Field(gt=0)


def read_settings() -> Settings:
    """The settings that the project comes with."""
    return validate(Settings, yaml.safe_load(_FILE.read_text(encoding="utf-8")), str(_FILE))
