"""YAML that a person can read, and that reads back as what was written."""

from typing import Any

import yaml

_OTHER_NEW_LINES = "\x85\u2028\u2029"  # in YAML a text with one of these reads back with another, unless it is escaped


def dumps(content: Any) -> str:
    """`content`, plain data, as YAML in the order that it has."""
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return text if set(text).isdisjoint(_OTHER_NEW_LINES) else yaml.safe_dump(content, sort_keys=False)
