"""Figures and states as pictures for the browser."""

import io
from typing import TYPE_CHECKING

import gradio as gr
from PIL import Image

import plotting

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LARGE = 280  # pixels of the longer side


def shown(what: str, name: str, wide: bool = False) -> gr.Image:
    """A place for a picture that is only looked at.

    Args:
        what: Says it to those who cannot see it.
        name: Its id in the page.
        wide: Whether it is a figure with small words, to be scrolled where it does not fit.
    """
    return gr.Image(
        alt_text=what,
        show_label=False,
        format="png",
        interactive=False,
        buttons=[],
        elem_id=name,
        elem_classes=["wide"] if wide else [],
        placeholder=what,
    )


def captioned(caption: str, name: str, wide: bool = False) -> gr.Image:
    """The same with a caption above it, where the picture says nothing of itself."""
    with gr.Column(min_width=140):
        gr.Markdown(caption)
        return shown(caption, name, wide)


def picture(figure: "Figure") -> Image.Image:
    """`figure` as a picture, as `plotting.save` would write it."""
    return Image.open(io.BytesIO(plotting.png(figure)))


def enlarged(small: Image.Image) -> Image.Image:
    """`small` so large that every pixel can be seen."""
    factor = max(1, _LARGE // max(small.size))
    return small.resize((factor * small.width, factor * small.height), Image.Resampling.NEAREST)
