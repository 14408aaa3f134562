"""The page of a model that sees: draw or upload a picture."""

import io
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image, ImageOps

from deployment.interface.answers import ASKED, spoken, told
from deployment.interface.canvas import paper, read, written
from deployment.interface.figures import captioned, enlarged
from inference.framing import framed
from inference.predictor import Predictor

TRY = (
    "Draw with the mouse or a finger, or upload a picture. The model sees no more than the small picture that appears."
)
_CANVAS = 320  # pixels of the longer side
_PEN = 0.12  # of the longer side


def lay_out(page: gr.Blocks, predictor: Predictor) -> None:
    """Fill `page`, within which this is called."""
    channels, height, width = predictor.data.input_shape
    scale = _CANVAS / max(height, width)
    blank = Image.new("L", (round(scale * width), round(scale * height)), "white")
    with gr.Row():
        with gr.Column(min_width=340), gr.Tabs():
            if channels == 1:
                with gr.Tab("Draw") as drawing:
                    sketch = paper(blank, "Paper to draw on", _PEN * _CANVAS)
                    clear = gr.Button("Clear")
                    fitted = gr.Checkbox(True, label="Fit the drawing into the frame, as the model's data are")
            with gr.Tab("Upload") as uploading:
                upload = gr.File(  # gr.Image would open the file by itself, and fail in its own way
                    label="PNG, JPEG, BMP or WebP; bright on dark, as the model's data",
                    type="binary",
                    file_types=[".png", ".jpg", ".jpeg", ".bmp", ".webp"],
                    elem_id="upload",
                )
        with gr.Column(min_width=300):
            answer = gr.Label(label="The model's answer", elem_id="answer")
            seen = captioned("What the model sees", "seen")

    nothing = [None, None]

    def asked(content: bytes) -> list[Any]:
        batch = predictor.batch([content])
        low, high = (np.array(ends)[:, None, None] for ends in (predictor.data.low, predictor.data.high))
        light = np.round(255 * (batch[0].numpy() - low) / (high - low)).astype(np.uint8)
        seen = Image.fromarray(light[0] if channels == 1 else light.transpose(1, 2, 0))
        (said,) = predictor.answers(predictor.outputs(batch), ASKED)
        return [spoken(said), enlarged(seen)]

    def drawn(drawing: str, fit: bool) -> list[Any]:
        with told():
            ink = ImageOps.invert(read(drawing, blank.size))  # the model's data are bright on dark
            return asked(_png(framed(ink, predictor.data.name) if fit else ink)) if ink.getbbox() else nothing
        return nothing

    def uploaded(content: bytes | None) -> list[Any]:
        with told():
            return asked(content) if content else nothing
        return nothing

    if channels == 1:
        clear.click(lambda: written(blank), outputs=sketch)
        events = [page.load, sketch.input, sketch.change, fitted.change, drawing.select]  # some draw while it loads
        gr.on(events, drawn, [sketch, fitted], [answer, seen], trigger_mode="always_last", show_progress="hidden")
    gr.on([upload.change, uploading.select], uploaded, upload, [answer, seen], trigger_mode="always_last")


def _png(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()
