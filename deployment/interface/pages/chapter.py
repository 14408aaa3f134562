"""The page of a chapter: what it is, and what its kind of data lets one try."""

from types import ModuleType

import gradio as gr

from deployment.interface.pages import drawing as drawing_page
from deployment.interface.pages import form as form_page
from deployment.interface.pages import memory as memory_page
from deployment.interface.pages import points as points_page
from inference.predictor import Predictor
from project.chapters import Chapter


def chapter_page(chapter: Chapter, predictor: Predictor) -> gr.Blocks:
    """The page of a checkpoint of `chapter`."""
    kind = _kind(predictor)
    told = chapter.constants()
    with gr.Blocks(title=f"{told['TITLE']}: {predictor.config.experiment}", fill_width=True) as page:
        gr.Markdown(_heading(told, predictor, kind.TRY))
        kind.lay_out(page, predictor)
    return page


def _kind(predictor: Predictor) -> ModuleType:
    """The module that lays out the page for what the model takes and gives."""
    data = predictor.data
    if hasattr(predictor.chapter.serving, "recall"):
        return memory_page
    if data.kind == "image":
        return drawing_page
    if data.kind == "table" and data.n_features == 2 and data.n_classes > 1:
        return points_page
    return form_page


def _heading(told: dict[str, str], predictor: Predictor, what_to_try: str) -> str:
    origin = (f"*{told['PAPER']}*", told["AUTHORS"], str(told["YEAR"]))
    lines = [
        f"# {told['TITLE']}",
        ", ".join(filter(None, origin)),
        what_to_try,
        f"Trained by experiment `{predictor.config.experiment}` on `{predictor.data.name}`, "
        f"run `{predictor.run_id}`, step {predictor.step:,}.",
    ]
    if "CANNOT" in told:
        lines.insert(3, f"**What it cannot do.** {told['CANNOT']}")
    return "\n\n".join(lines)
