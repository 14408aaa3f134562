"""What a model answers, in words and bars; and what a visitor did wrong."""

from collections.abc import Iterator
from contextlib import contextmanager

import gradio as gr
from pydantic import BaseModel

from inference.answers import Asked, Classification, Decision, Values
from utils.errors import ScratchError

ASKED = Asked(top=5)


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
    """Within this, what a visitor can mend is shown on the page, and not as a traceback in the terminal."""
    try:
        yield
    except ScratchError as error:
        raise gr.Error(str(error), print_exception=False) from None
