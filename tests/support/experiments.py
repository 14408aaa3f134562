"""The experiments of a chapter."""

import ast
from functools import cache
from pathlib import Path


@cache
def experiment_plots(chapter: Path) -> dict[str, tuple[str, ...]]:
    """The experiments of the chapter in a folder and what each draws, from its train.py; the lightest comes first."""
    for statement in ast.parse((chapter / "src/train.py").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "EXPERIMENT_PLOTS":
            return dict(ast.literal_eval(statement.value))
    raise AssertionError(f"{chapter.name}/src/train.py has no EXPERIMENT_PLOTS")
