"""What a model answers, in words and bars; and what a visitor did wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
from pydantic import BaseModel

from inference.answers import Classification, Decision, PredictOptions, Values
from utils.errors import ScratchError

ASKED = PredictOptions(top=5)


def spoken(answer: BaseModel) -> dict[str, float] | str:
    """An answer for a `gr.Label`: probabilities as bars, anything else as one line."""
    if isinstance(answer, Classification):
        return {candidate.label: candidate.probability for candidate in answer.candidates}
    if isinstance(answer, Decision):
        return f"{answer.label} (score {answer.score:.4g})"
    if isinstance(answer, Values):
        return ", ".join(f"{name} = {value:.4g}" for name, value in answer.values.items())
    return str(getattr(answer, "label", answer))


@contextmanager
def told() -> Iterator[None]:
    """Leave this with a message on the page where a visitor did what cannot be done.

    An error of Gradio's would lie over everything that was to change, and keep clicks away from it.
    """
    try:
        yield
    except ScratchError as error:
        gr.Warning(str(error).removeprefix("example 1: "))  # there is only one on a page
