"""What a sweep varies, as it is typed: `optimizer.lr=log(1e-4,1)`; standard library only."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from utils.errors import InputError, unknown

KINDS = ("log", "uniform", "int", "choice")
_EXAMPLE = "such as 'optimizer.lr=log(1e-4,1)' or 'model.hidden=choice(4,8,16)'"


@dataclass(frozen=True)
class Dimension:
    """One setting and the values it may take.

    Attributes:
        key: The path of the setting in the config.
        kind: One of `KINDS`.
        values: Lowest and highest value, or for `choice` the values themselves, as typed.
    """

    key: str
    kind: str
    values: tuple[float | int | str, ...]


def parse(arguments: Sequence[str]) -> tuple[list[Dimension], list[str]]:
    """The dimensions among `arguments`, and the overrides that are the same for every trial.

    Raises:
        InputError: One cannot be read, a setting occurs twice, or nothing varies.
    """
    dimensions, fixed, seen = [], [], set()
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not key or not equals:
            raise InputError(f"cannot read '{argument}': write key=value, or what a setting may be, {_EXAMPLE}")
        if key in seen:
            raise InputError(f"{key} is given twice")
        seen.add(key)
        if match := re.fullmatch(r"(\w+)\((.*)\)", value.strip()):
            dimensions.append(_dimension(key, match[1], _split(match[2])))
        else:
            fixed.append(argument)
    if not dimensions:
        raise InputError(f"nothing varies: say what a setting may be, {_EXAMPLE}")
    return dimensions, fixed


def _dimension(key: str, kind: str, parts: list[str]) -> Dimension:
    if kind not in KINDS:
        raise unknown(f"kind of values for {key}", kind, KINDS)
    if kind == "choice":
        if len(parts) < 2 or len(set(parts)) < len(parts) or "" in parts:
            raise InputError(f"{key}=choice({','.join(parts)}): give two different values or more")
        return Dimension(key, kind, tuple(parts))
    number = int if kind == "int" else float
    try:
        low, high = map(number, parts)
    except ValueError:
        what = "whole numbers" if kind == "int" else "numbers"
        raise InputError(f"{key}={kind}({','.join(parts)}): give two {what}, the lowest and the highest") from None
    if not (float("-inf") < low < high < float("inf")) or (kind == "log" and low <= 0):
        above = " and above 0" if kind == "log" else ""
        raise InputError(f"{key}={kind}({','.join(parts)}): the first number must be below the second{above}")
    return Dimension(key, kind, (low, high))


def _split(text: str) -> list[str]:
    """`text` at its commas, but not at those within brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
