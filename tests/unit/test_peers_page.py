"""docs/peers.md names tests, and they exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    line for line in (ROOT / "docs/peers.md").read_text().splitlines() if re.match(r"\| (?!complaint|what \|)", line)
]
NAMED = re.compile(r"`([\w./]+\.py)::(\w+)`")


@cache
def functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].split(":")[0].strip()[:50] for row in ROWS])
def test_a_row_names_tests_that_exist(row: str) -> None:
    named = NAMED.findall(row)
    assert named and [f"{file}::{test}" for file, test in named if test not in functions(file)] == []


def test_no_test_is_named_in_another_way() -> None:
    page = (ROOT / "docs/peers.md").read_text()
    assert page.count("::") == sum(len(NAMED.findall(row)) for row in ROWS)
