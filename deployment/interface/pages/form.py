"""The page of a model that takes a row of numbers, or a word."""

import math
from string import ascii_uppercase
from typing import Any

import gradio as gr
import numpy as np
import torch
from PIL import Image

import plotting
from data_utils.description import Description
from deployment.interface.answers import ASKED, spoken, told
from deployment.interface.figures import picture, shown
from inference.predictor import Predictor
from utils.errors import InputError

TRY = "Change the input, and see what the model makes of it."
_MOST_SLIDERS = 32
_POINTS = 200  # of a curve


def lay_out(page: gr.Blocks, predictor: Predictor) -> None:
    """Fill `page`, within which this is called."""
    sliders = predictor.data.kind == "table" and predictor.data.n_features <= _MOST_SLIDERS
    if sliders:
        _sliders(page, predictor)
    else:
        _one_line(predictor)


def _one_line(predictor: Predictor) -> None:
    """A word, or more numbers than one would like to push."""
    data = predictor.data
    if data.kind == "text":
        length, letters = data.input_shape
        what = f"{length} letters from A to {ascii_uppercase[letters - 1]}"
    else:
        what = f"{data.n_features} numbers, with commas between them"
    given = gr.Textbox(label=what, max_lines=4, elem_id="given")
    ask = gr.Button("Ask", variant="primary")
    answer = gr.Label(label="The model's answer", elem_id="answer")

    def asked(text: str) -> Any:
        with told():
            example = text.strip() if data.kind == "text" else _numbers(text)
            return spoken(predictor.predict([example], ASKED)[0])
        return None

    gr.on([ask.click, given.submit], asked, given, answer)


def _numbers(text: str) -> list[float]:
    try:
        return [float(number) for number in text.replace(",", " ").split()]
    except ValueError:
        raise InputError("numbers expected, with commas between them") from None


def _sliders(page: gr.Blocks, predictor: Predictor) -> None:
    """One slider for each column, and how the answer changes along one of them."""
    data = predictor.data
    with gr.Row():
        with gr.Column(scale=3, min_width=340), gr.Row():
            columns = [_slider(data, i) for i in range(data.n_features)]
        with gr.Column(scale=2, min_width=320, elem_id="asked"):
            answer = gr.Label(label="The model's answer", elem_id="answer")
            along = gr.Dropdown([(n, i) for i, n in enumerate(data.feature_names)], value=0, label="Curve along")
            curve = shown("The answer along the column", "curve", wide=True)

    def asked(along: int, *row: float) -> list[Any]:
        return [spoken(predictor.predict([list(row)], ASKED)[0]), _curve(predictor, along, row)]

    inputs: list[Any] = [along, *columns]
    outputs = [answer, curve]
    page.load(asked, inputs, outputs)
    changes = [component.change for component in inputs]
    gr.on(changes, asked, inputs, outputs, trigger_mode="always_last", show_progress="hidden")


def _slider(data: Description, column: int) -> gr.Slider:
    low, high = data.low[column], data.high[column]
    digits = 2 - math.floor(math.log10((high - low) or 1.0))
    step = 10.0**-digits
    middle = (low + high) / 2 if data.standardization is None else data.standardization.mean[column]
    ends = math.floor(round(low / step, 3)), math.ceil(round(high / step, 3))  # float32 is off by some 1e-7
    low, high = (round(step * end, digits) for end in ends)
    value = round(middle, digits)
    return gr.Slider(low, high, value=value, step=step, label=data.feature_names[column], min_width=240)


def _curve(predictor: Predictor, along: int, row: tuple[float, ...]) -> Image.Image:
    data = predictor.data
    x = np.linspace(data.low[along], data.high[along], _POINTS)
    rows = np.tile(np.array(row), (_POINTS, 1))
    rows[:, along] = x
    outputs = predictor.outputs(torch.as_tensor(rows, dtype=torch.float32))
    what, names = next((name, _names(name, data)) for name in ("probabilities", "values", "scores") if name in outputs)
    figure = plotting.render(
        "response",
        {
            "subject": data.name,
            "x": x,
            "answers": outputs[what].numpy(),
            "names": names if len(names) == outputs[what].shape[1] else names[-1:],
            "feature_name": data.feature_names[along],
            "what": what,
            "at": row[along],
        },
    )
    return picture(figure)


def _names(output: str, data: Description) -> tuple[str, ...]:
    return data.target_names if output == "values" else data.class_names
