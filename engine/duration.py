"""Durations in steps, epochs or examples, converted to steps in this one place."""

import math
import re
from dataclasses import dataclass
from typing import Any

from pydantic_core import core_schema

_UNITS = {"step": "steps", "epoch": "epochs", "example": "examples"}
_PATTERN = re.compile(r"\s*(\d[\d_]*(?:\.\d+)?(?:e[+-]?\d+)?)\s*(step|epoch|example)s?\s*")

_LONGEST = 1e18  # a run will never get there, and no product of it overflows


@dataclass(frozen=True)
class Duration:
    """A positive number of steps, epochs or examples, written `"20 epochs"` in a config."""

    amount: float
    unit: str

    @classmethod
    def parse(cls, text: object) -> "Duration":
        """Read `"20 epochs"`, `"1 step"`, `"1e6 examples"`; anything else is a ValueError that says what is wanted."""
        match = _PATTERN.fullmatch(text) if isinstance(text, str) else None
        if match is None or math.isinf(float(match[1])):
            raise ValueError("give a number and a unit, such as '20 epochs', '500 steps' or '1e6 examples'")
        amount = float(match[1])
        if amount <= 0:
            raise ValueError("a duration must be more than 0")
        if amount > _LONGEST:
            raise ValueError(f"a duration must be at most {_LONGEST:g} of its unit")
        return cls(amount, _UNITS[match[2]])

    def steps(self, *, steps_per_epoch: int, examples_per_step: int) -> int:
        """The duration in whole steps, at least one; part of a step is rounded to the nearest."""
        scale = {"steps": 1.0, "epochs": float(steps_per_epoch), "examples": 1.0 / examples_per_step}
        return max(1, round(self.amount * scale[self.unit]))

    def __str__(self) -> str:
        unit = self.unit.removesuffix("s") if self.amount == 1 else self.unit
        amount = int(self.amount) if self.amount.is_integer() else self.amount
        return f"{amount} {unit}"  # every digit, so that a saved config means the same run

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Read from text and written as text, so that a saved config reads like the one a person wrote."""
        from_text = core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls.parse(value)
        )
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=from_text,
            serialization=core_schema.plain_serializer_function_ser_schema(str),
        )
