"""What changes the digest of a run and what leaves it: edits of the real files, in a copy of the tree."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from experiment.reproduce import digests
from experiment.reproduce.digests import EXCEPT, SHARED, digest_of
from project.chapters import ROOT, Project

CONFIG = {"goal": "g", "model": {"hidden": [8]}, "data": {"name": "mnist"}, "tracking": {"tensorboard": True}}
MADE_WITH = {"python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.6", "scikit-learn": "1.9.1"}
CHAPTER = "models/03_mlp"
PACKAGES = ("engine", "data_utils", "layers", "plotting", "utils")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    unwanted = shutil.ignore_patterns("__pycache__", ".venv", "outputs", "*.png")
    for name in (CHAPTER, *PACKAGES):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=unwanted)
    return tmp_path


def digest(root: Path, config: dict[str, Any] = CONFIG, made_with: dict[str, str] = MADE_WITH) -> str:
    digests._code.cache_clear()
    return digest_of(config, root / CHAPTER, made_with, root)


def reworded_error(source: str) -> str:
    changed, times = re.subn(r'(raise \w+Error\(f?")', r"\1so: ", source)
    assert times
    return changed


def another_number(source: str) -> str:
    """`source` with another value for one whole number, outside comments and texts."""
    lines = source.split("\n")
    place = next(i for i, line in enumerate(lines) if re.search(r"^\s+[^\"'#]*[=(<>+ ]\d+\b[^\"']*$", line))
    lines[place] = re.sub(r"([=(<>+ ])(\d+)\b", lambda match: f"{match[1]}{int(match[2]) + 1}", lines[place], count=1)
    return "\n".join(lines)


def one_more_line(source: str) -> str:
    return f"{source}\nANOTHER = 1\n"


def commented(source: str) -> str:
    return f"# said in other words\n{source}"


def another_docstring(source: str) -> str:
    return source.replace('"""', '"""So: ', 1)


def fewer_plots(source: str) -> str:
    return source.replace('("learning_curve", "decision_boundary", "folded_plane")', '("learning_curve",)', 1)


@pytest.mark.parametrize(
    ("file", "edit"),
    [
        ("engine/tracking/worker.py", one_more_line),
        ("engine/tracking/wandb_tracker.py", one_more_line),
        ("engine/runs/text_log.py", one_more_line),
        ("engine/runs/progress.py", one_more_line),
        ("engine/runs/metrics_log.py", one_more_line),
        ("engine/runs/environment.py", one_more_line),
        ("engine/checkpoint/prune.py", one_more_line),
        ("engine/debug/profiler.py", one_more_line),
        ("engine/evaluation/plots.py", one_more_line),
        ("data_utils/download.py", one_more_line),
        ("utils/terminal/table.py", one_more_line),
        ("engine/duration.py", reworded_error),
        ("engine/trainer.py", commented),
        ("engine/trainer.py", another_docstring),
        (f"{CHAPTER}/src/model.py", another_docstring),
        (f"{CHAPTER}/src/train.py", fewer_plots),
        (f"{CHAPTER}/src/serving.py", one_more_line),
        (f"{CHAPTER}/src/constants.py", one_more_line),
        (f"{CHAPTER}/config/experiment/xor.yaml", commented),
        (f"{CHAPTER}/README.md", one_more_line),
        ("data_utils/cards/mnist.yaml", commented),
        ("data_utils/cards/mnist.yaml", lambda card: card.replace("MNIST handwritten digits", "Digits")),
    ],
)
def test_what_cannot_change_a_number_leaves_the_digest(tree: Path, file: str, edit: Callable[[str], str]) -> None:
    before, path = digest(tree), tree / file
    source = path.read_text()
    path.write_text(edit(source))
    assert path.read_text() != source
    assert digest(tree) == before


def test_a_new_plot_or_a_moved_file_of_the_log_leaves_the_digest(tree: Path) -> None:
    before = digest(tree)
    (tree / "plotting/another.py").write_text("def draw() -> None: ...\n")
    (tree / "engine/runs/text_log.py").rename(tree / "engine/runs/words.py")
    assert digest(tree) == before


@pytest.mark.parametrize(
    ("file", "edit"),
    [
        ("engine/trainer.py", one_more_line),
        ("engine/config.py", another_number),
        ("engine/duration.py", one_more_line),
        ("engine/device/hardware.py", one_more_line),
        ("engine/loop/lr_schedule.py", another_number),
        ("engine/evaluation/evaluator.py", one_more_line),
        ("engine/fast/ensemble.py", one_more_line),
        ("data_utils/batches.py", one_more_line),
        ("data_utils/datasets/points.py", one_more_line),
        ("utils/seeds.py", another_number),
        (f"{CHAPTER}/src/model.py", another_number),
        (f"{CHAPTER}/src/optimizers.py", one_more_line),
        (f"{CHAPTER}/src/train.py", one_more_line),
        ("data_utils/cards/mnist.yaml", lambda card: re.sub(r"sha256: .", "sha256: 0", card)),
    ],
)
def test_what_can_change_a_number_changes_the_digest(tree: Path, file: str, edit: Callable[[str], str]) -> None:
    before, path = digest(tree), tree / file
    path.write_text(edit(path.read_text()))
    assert digest(tree) != before


def test_a_new_layer_changes_the_digest(tree: Path) -> None:
    before = digest(tree)
    (tree / "layers").mkdir(exist_ok=True)
    (tree / "layers/another.py").write_text("WIDTH = 1\n")
    assert digest(tree) != before


def test_of_a_version_the_patch_does_not_count_and_of_a_config_what_is_said_about_it(tree: Path) -> None:
    before = digest(tree)
    assert digest(tree, CONFIG | {"goal": "h", "tracking": {}}) == before
    assert digest(tree, CONFIG | {"model": {"hidden": [9]}}) != before
    assert digest(tree, made_with=MADE_WITH | {"torch": "2.13.1"}) == before
    assert digest(tree, made_with=MADE_WITH | {"torch": "2.14.0"}) != before


@pytest.mark.parametrize("pattern", [*SHARED, *EXCEPT])
def test_every_pattern_finds_files(pattern: str) -> None:
    folder = pattern.partition("/")[0]
    assert list(ROOT.glob(pattern)) or not (ROOT / folder).is_dir()


def test_every_chapter_has_code_that_counts() -> None:
    counted = [digests._matching(chapter.folder, digests.OF_A_CHAPTER, ()) for chapter in Project(ROOT).chapters()]
    assert all(any(path.name == "model.py" for path in files) for files in counted)
