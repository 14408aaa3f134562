"""Everything that decides the numbers of a run, as one digest: two runs with the same digest leave the same record."""

import ast
import hashlib
import json
import platform
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SHARED = ("engine", "data_utils", "layers", "utils")
LIBRARIES = ("torch", "numpy", "scikit-learn")

# Of a config: what is said about a run, and where its values go. The seeds and the claims say which runs there are.
_WORDS = {"goal", "seeds", "claims", "successor", "notes", "tags", "tracking"}


def digest_of(config: dict[str, Any], chapter: Path, made_with: Mapping[str, str]) -> str:
    """The digest of a run: its config, the code of its chapter and the shared code, data cards, versions.

    Args:
        config: The whole config as plain data, with the run's own seed.
        chapter: The chapter's folder.
        made_with: As from `versions`.
    """
    settings = {key: value for key, value in config.items() if key not in _WORDS}
    parts = [chapter.name, json.dumps(settings, sort_keys=True), _code(chapter), json.dumps(made_with)]
    return short_hash(parts)


@cache
def versions() -> dict[str, str]:
    """Python and the libraries that compute; without a build's tag such as `+cpu`."""
    return {"python": platform.python_version()} | {name: version(name).partition("+")[0] for name in LIBRARIES}


def short_hash(parts: Iterable[str]) -> str:
    """16 hex digits."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@cache
def _code(chapter: Path) -> str:
    """All Python that a training of `chapter` may run, without comments and docstrings, and the cards of the data."""
    folders = [chapter / "src", *(ROOT / name for name in SHARED)]
    judges = _judges()
    files = [path for folder in folders for path in sorted(folder.rglob("*.py")) if path not in judges]
    cards = sorted((ROOT / "data_utils").rglob("*.yaml"))
    return short_hash([*(_without_words(path) for path in files), *(path.read_text() for path in cards)])


@cache
def judgement() -> str:
    """The digest of the code that turns records into verdicts and bands."""
    return short_hash(_without_words(path) for path in [*_judges(), Path(__file__).with_name("results.py")])


def _judges() -> list[Path]:
    return sorted((ROOT / "engine/claims").glob("*.py"))


def _without_words(path: Path) -> str:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]
    return _dumped(tree)


def _dumped(tree: ast.AST) -> str:
    """As Python 3.11 has it: 3.12 adds the parameters of types, and 3.13 leaves out what is empty."""
    options: dict[str, Any] = {"show_empty": True} if sys.version_info >= (3, 13) else {}
    return ast.dump(tree, **options).replace(", type_params=[]", "")


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, or the one under a field."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
