"""docs/peers.md and docs/governance/security.md name tests, and they exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("docs/peers.md", "docs/governance/security.md")
NAMED = re.compile(r"`([\w./]+\.py)::(\w+)`")


def rows(page: str) -> list[str]:
    """The rows of the page's tables, without their heads."""
    return [
        line for line in (ROOT / page).read_text().splitlines() if re.match(r"\| (?!complaint|what \||threat \|)", line)
    ]


ALL = [row for page in PAGES for row in rows(page)]


@cache
def functions(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ALL, ids=[row.split("|")[1].split(":")[0].strip()[:50] for row in ALL])
def test_a_row_names_tests_that_exist(row: str) -> None:
    named = NAMED.findall(row)
    assert named and [f"{file}::{test}" for file, test in named if test not in functions(file)] == []


@pytest.mark.parametrize("page", PAGES)
def test_no_test_is_named_in_another_way(page: str) -> None:
    assert (ROOT / page).read_text().count("::") == sum(len(NAMED.findall(row)) for row in rows(page))
