"""What every chapter has in common, the template's included: lines that matter stand where chapters differ."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CHAPTERS = [
    path for folder in ("models", "template", "tests/doubles/chapters") for path in (ROOT / folder).glob("*/src")
]


def test_evaluate_is_the_same_file_in_every_chapter() -> None:
    assert len({(source / "evaluate.py").read_bytes() for source in CHAPTERS}) == 1


@pytest.mark.parametrize("source", CHAPTERS, ids=lambda source: source.parent.name)
def test_a_model_file_ends_with_the_function_that_builds_the_model(source: Path) -> None:
    last = (source / "model.py").read_text().rpartition("\n\n\n")[2]
    assert last.startswith("def build(config: ExperimentConfig[ModelConfig], data: Counts) -> ")
