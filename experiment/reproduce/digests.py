"""The digest of what can change a number of a run: two runs with the same digest leave the same metrics.

A tracker, a log file or a plot cannot, nor can the wording of a message. They are left out, so that an edit there
neither retrains a chapter nor blocks a promotion.
"""

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
LIBRARIES = ("torch", "numpy", "scikit-learn")

SHARED = (
    "engine/*.py",  # the loop, the config and its durations
    "engine/device/**/*.py",  # precision, threads, and how a batch is shared out
    "engine/loop/**/*.py",  # steps, optimizers, schedules, averages, when to stop
    "engine/fast/**/*.py",  # other ways to make the same steps, equal within rounding only
    "engine/evaluation/**/*.py",  # what is measured, and on what
    "data_utils/**/*.py",  # which examples there are, prepared how, in which order
    "layers/**/*.py",
    "utils/seeds.py",
)
"""The shared files that can change a number, as patterns below the root."""

EXCEPT = (
    "engine/device/flops.py",  # speed, which no claim is about
    "engine/loop/timer.py",
    "engine/run_header.py",  # what the log says before a training starts
    "engine/loop/non_finite.py",  # looks for the cause of a NaN once the run has failed
    "engine/evaluation/plots.py",
    "data_utils/download.py",  # what it brings has the checksum of the card
    "data_utils/cards/markdown.py",  # the cards as pages
    "data_utils/folders.py",  # where files are
)
"""Of those, the files that cannot."""

OF_A_CHAPTER = ("src/**/*.py",)
NOT_OF_A_CHAPTER = ("src/serving.py", "src/constants.py")

# Of a config: what is said about a run, and where its values go. The seeds and the claims say which runs there are.
_WORDS = {"goal", "seeds", "claims", "successor", "notes", "tags", "tracking"}


def digest_of(config: dict[str, Any], chapter: Path, made_with: Mapping[str, str], root: Path = ROOT) -> str:
    """The digest of a run: its config, the code and the data cards behind it, and the minor versions of libraries.

    Args:
        config: The whole config as plain data, with the run's own seed.
        chapter: The chapter's folder.
        made_with: As from `versions`.
        root: The clone whose shared code runs.
    """
    settings = {key: value for key, value in config.items() if key not in _WORDS}
    card = _files(root / "data_utils/cards" / f"{config['data']['name']}.yaml")
    minor = {name: ".".join(number.split(".")[:2]) for name, number in made_with.items()}
    parts = [json.dumps(part, sort_keys=True) for part in (settings, card, minor)]
    return short_hash([chapter.name, _code(chapter, root), *parts])


@cache
def versions() -> dict[str, str]:
    """Python and the libraries that compute; without a build's tag such as `+cpu`."""
    return {"python": platform.python_version()} | {name: version(name).partition("+")[0] for name in LIBRARIES}


def short_hash(parts: Iterable[str]) -> str:
    """16 hex digits."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


@cache
def judgement() -> str:
    """The digest of the code that turns records into verdicts and bands."""
    judges = sorted((ROOT / "engine/claims").glob("*.py"))
    return short_hash(
        _meaning(path.read_text(encoding="utf-8")) for path in [*judges, Path(__file__).with_name("results.py")]
    )


@cache
def _code(chapter: Path, root: Path) -> str:
    files = _matching(chapter, OF_A_CHAPTER, NOT_OF_A_CHAPTER) + _matching(root, SHARED, EXCEPT)
    return short_hash(_meaning(path.read_text(encoding="utf-8")) for path in files)


def _files(card: Path) -> Any:
    """The files of a data set with their checksums; none where it is generated, or comes with a library."""
    import yaml

    return yaml.safe_load(card.read_text(encoding="utf-8"))["files"] if card.is_file() else []


def _matching(folder: Path, patterns: Iterable[str], but: Iterable[str]) -> list[Path]:
    """The files that match one of `patterns` and none of `but`, in an order of their own."""
    left_out = {path for pattern in but for path in folder.glob(pattern)}
    return sorted({path for pattern in patterns for path in folder.glob(pattern)} - left_out)


@cache
def _meaning(source: str) -> str:
    """Python without what cannot change a number: comments, docstrings, the text of errors, which plots are drawn."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not (_is_docstring(statement) or _is_plots(statement))]
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            node.exc.args = [argument for argument in node.exc.args if not _is_text(argument)]
    return _dumped(tree)


def _dumped(tree: ast.AST) -> str:
    """As Python 3.11 has it: 3.12 adds the parameters of types, and 3.13 leaves out what is empty."""
    options: dict[str, Any] = {"show_empty": True} if sys.version_info >= (3, 13) else {}
    return ast.dump(tree, **options).replace(", type_params=[]", "")


def _is_docstring(statement: ast.stmt) -> bool:
    """A docstring, or the one under a field."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_plots(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "EXPERIMENT_PLOTS"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
