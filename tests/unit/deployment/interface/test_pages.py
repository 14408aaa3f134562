"""What the pages do with what a visitor gives them, without a browser."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from torch import Tensor, nn

from deployment.interface.answers import spoken
from deployment.interface.pages.chapter import chapter_page
from deployment.interface.pages.runs import runs_page
from engine.config import ExperimentConfig
from inference.predictor import Predictor
from project.chapters import Chapter, Project
from tests.doubles.bench import NETWORK, Bench
from tests.doubles.served import CONSTANTS, NoSettings, probabilities, served


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")


def laid_out(lay_out: Callable[[], gr.Blocks]) -> gr.Blocks:
    """The page that `lay_out` makes, within an event loop: without one Gradio makes several, and closes none."""

    async def within() -> gr.Blocks:
        return lay_out()

    return asyncio.run(within())


def handler(page: gr.Blocks, name: str) -> Callable[..., Any]:
    """The function called `name` that an event of the page calls."""
    return next(event.fn for event in page.fns.values() if event.fn is not None and event.fn.__name__ == name)


def component(page: gr.Blocks, name: str) -> Any:
    """The component whose id in the page is `name`."""
    return next(block for block in page.blocks.values() if block.elem_id == name)


# --- a chapter


def predictor(tmp_path: Path, **data: Any) -> Predictor:
    """Of a model that looks at the first two numbers."""

    def outputs(model: nn.Module, x: Tensor) -> dict[str, Tensor]:
        return probabilities(model, x.flatten(1)[:, :2])

    config: ExperimentConfig = Bench(NETWORK, tmp_path / "outputs").config("blobs")
    plain = {"standardization": None, **data}
    return served(tmp_path / "01_toy", config.model_copy(update={"model": NoSettings()}), outputs, **plain)


def page_to(asked: Predictor) -> gr.Blocks:
    return laid_out(lambda: chapter_page(Chapter(asked.chapter.folder), asked))


def heading(asked: Predictor) -> str:
    page = page_to(asked)
    return next(str(block.value) for block in page.blocks.values() if isinstance(block, gr.Markdown))


def test_a_page_says_whose_paper_it_is(tmp_path: Path) -> None:
    assert "*On toys*, A. One, 1958" in heading(predictor(tmp_path))


def test_a_paper_without_authors_leaves_no_gap(tmp_path: Path) -> None:
    asked = predictor(tmp_path)
    constants = CONSTANTS.replace('"A. One"', '""')
    (asked.chapter.folder / "src/constants.py").write_text(constants)
    assert "*On toys*, 1958" in heading(asked)


def test_a_word_is_asked_for_by_its_length_and_its_letters(tmp_path: Path) -> None:
    asked = predictor(tmp_path, feature_names=[], input_shape=[8, 4], low=[0.0], high=[1.0])
    page = page_to(asked)
    ask = handler(page, "asked")
    assert component(page, "given").label == "8 letters from A to D"
    assert set(ask(" abcddcba\n")) == {"a", "b"}
    with pytest.warns(UserWarning, match="^'hello' is no word of 8 letters from A to D$"):
        assert ask("hello") is None


def test_more_numbers_than_one_would_push_are_typed(tmp_path: Path) -> None:
    names = [f"x{i}" for i in range(33)]
    asked = predictor(tmp_path, feature_names=names, input_shape=[33], low=[0.0] * 33, high=[1.0] * 33)
    page = page_to(asked)
    ask, row = handler(page, "asked"), [0.5, *range(32)]
    assert component(page, "given").label == "33 numbers, with commas between them"
    lines = [", ".join(map(str, part)) for part in (row[:20], row[20:])]
    assert ask("\n".join(lines) + "\n") == spoken(*asked.predict([row]))
    with pytest.warns(UserWarning, match="^2 numbers given, a row of 33 numbers expected"):
        assert ask("1, 2") is None
    with pytest.warns(UserWarning, match="^numbers expected, with commas between them$"):
        assert ask("one, two") is None


# --- runs


def page_of(outputs: Path, runs: int) -> gr.Blocks:
    for number in range(runs):
        (outputs / f"models/and-{number}").mkdir(parents=True)
    return laid_out(lambda: runs_page(Project(), outputs))


def a_click_on(run: str) -> gr.SelectData:
    return gr.SelectData(None, {"index": [0, 0], "value": run, "row_value": [run]})


def test_of_very_many_runs_two_hundred_are_listed(tmp_path: Path) -> None:
    listed = handler(page_of(tmp_path, 201), "listed")
    count, table, *_ = listed("", "", "", "newest first")
    assert count == "201 of 201 runs; the first 200 are listed, so narrow the choice."
    assert len(table.value["data"]) == 200
    count, table, *_ = listed("and-200", "", "", "newest first")
    assert (count, len(table.value["data"])) == ("1 of 201 runs.", 1)


def test_no_more_than_eight_runs_are_chosen_and_the_oldest_choice_gives_way(tmp_path: Path) -> None:
    clicked, chosen = handler(page_of(tmp_path, 9), "clicked"), [f"and-{number}" for number in range(8)]
    assert clicked(chosen, a_click_on("and-8")).value == [*chosen[1:], "and-8"]
    assert clicked(chosen, a_click_on("and-3")).value == [*chosen[:3], *chosen[4:]]
