"""JSON that every reader takes: the standard has no NaN and no infinities, and a metric may be any of them.

They are written as the strings "NaN", "Infinity" and "-Infinity", which `float` reads back.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def dumps(content: Any, indent: int | None = None) -> str:
    """`content` as JSON, with numbers that are not finite as strings."""
    try:
        return json.dumps(content, indent=indent, allow_nan=False)
    except ValueError:  # hardly ever: what is always done is only to ask
        return json.dumps(_spelled(content), indent=indent, allow_nan=False)


def numbers(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` with the strings that `dumps` made of numbers turned back into them."""
    return {name: _NUMBERS.get(value, value) if isinstance(value, str) else value for name, value in content.items()}


def _spelled(content: Any) -> Any:
    if isinstance(content, Mapping):
        return {name: _spelled(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_spelled(value) for value in content]
    if isinstance(content, float) and not math.isfinite(content):
        return "NaN" if math.isnan(content) else "Infinity" if content > 0 else "-Infinity"
    return content
