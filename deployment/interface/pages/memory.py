"""The page of a memory: spoil a pattern, and see what is recalled from it."""

from typing import Any

import gradio as gr
import numpy as np
import torch
from PIL import Image

import plotting
from deployment.interface.answers import ASKED, told
from deployment.interface.canvas import paper, read, written
from deployment.interface.figures import captioned, enlarged, picture, shown
from inference.predictor import Predictor

TRY = (
    "Choose a stored pattern and flip a part of its units, or paint over it. The network follows its rule downhill in "
    "energy, until nothing moves: to what was stored, to its negative, or to a state that nobody stored."
)

_BRUSH = 1.5  # units


def lay_out(page: gr.Blocks, predictor: Predictor) -> None:
    """Fill `page`, within which this is called."""
    memory = _Memory(predictor)
    names = predictor.data.class_names
    with gr.Row():
        with gr.Column(min_width=340):
            with gr.Row():
                choice = gr.Dropdown([(name, i) for i, name in enumerate(names)], value=0, label="Pattern")
                flipped = gr.Slider(0, 0.5, value=0.2, step=0.01, label="Part to flip", elem_id="flipped")
            spoil = gr.Button("Flip")
            start = paper(memory.image(memory.patterns[0]), "Where recall starts, to paint on", _BRUSH)
            recall = gr.Button("Recall", variant="primary")
            answer = gr.Markdown(elem_id="answer")
        with gr.Column(min_width=340):
            with gr.Row():
                end = captioned("What was recalled", "end")
                near = captioned("The nearest pattern", "near")
            energy = shown("The energy on the way", "energy", wide=True)
            overlaps = shown("The overlaps with what is stored", "overlaps", wide=True)

    count = gr.State(0)
    spoil.click(lambda n: n + 1, count, count).then(memory.spoiled, [choice, flipped, count], start)
    choice.change(lambda number: memory.spoiled(number, 0.0, None), choice, start)
    recall.click(memory.recalled, start, [answer, end, near, energy, overlaps])


class _Memory:
    """The patterns of a checkpoint and how its network recalls."""

    def __init__(self, predictor: Predictor) -> None:
        self.predictor, self.names = predictor, predictor.data.class_names
        shape = predictor.data.input_shape
        self.shape = (shape[-2], shape[-1]) if len(shape) > 1 else _grid(shape[0])
        self.patterns = self._watch(np.zeros(predictor.data.n_features, dtype=np.float32))["memories"]

    def spoiled(self, number: int, share: float, draw: int | None) -> str:
        """A stored pattern with a share of its units flipped, other ones at each `draw`, for the paper."""
        state = self.patterns[number].copy()
        chosen = np.random.default_rng([number, draw or 0]).permutation(len(state))[: round(share * len(state))]
        state[chosen] *= -1
        return written(self.image(state))

    def recalled(self, drawing: str) -> list[Any]:
        """What comes back from what is on the paper."""
        with told():
            return self._recalled(np.asarray(read(drawing, self.shape[::-1])).ravel())
        return ["", None, None, None, None]

    def _recalled(self, grey: np.ndarray) -> list[Any]:
        start = np.where(grey > 127, 1.0, -1.0).astype(np.float32)
        watched = self._watch(start)
        found = self.predictor.answers(self.predictor.outputs(self._batch(start)), ASKED)[0]
        end, overlaps = watched["states"][-1], watched["states"][[0, -1]] @ self.patterns.T / len(start)
        nearest = int(overlaps[1].argmax())
        subject = self.predictor.data.name
        energy = plotting.render(
            "energy_descent",
            {"subject": subject, "energies": watched["energies"][:, None], "times": watched["times"].tolist()},
        )
        bars = plotting.render(
            "overlaps", {"subject": subject, "before": overlaps[0], "after": overlaps[1], "names": self.names}
        )
        return [
            _said(found, float(overlaps[1, nearest]), int((end != start).sum())),
            enlarged(self.image(end)),
            enlarged(self.image(self.patterns[nearest])),
            picture(energy),
            picture(bars),
        ]

    def _watch(self, start: np.ndarray) -> dict[str, np.ndarray]:
        serving: Any = self.predictor.chapter.serving  # `recall` is optional, and this page is for those that have it
        with torch.inference_mode():
            watched = serving.recall(self.predictor.pipeline.model, self.predictor.pipeline.prepare(self._batch(start)))
        return {name: values.numpy() for name, values in watched.items()}

    def _batch(self, state: np.ndarray) -> torch.Tensor:
        return self.predictor.batch([state.reshape(self.predictor.data.input_shape).tolist()])

    def image(self, state: np.ndarray) -> Image.Image:
        """A state of +1 and -1 as a picture, one pixel a unit."""
        return Image.fromarray(np.where(state.reshape(self.shape) > 0, 255, 0).astype(np.uint8))


def _said(answer: Any, overlap: float, changed: int) -> str:
    end = "It is that pattern" if overlap > 1 - 1e-6 else "It is not quite any that was stored"
    return f"**Nearest to '{answer.label}'**, overlap {answer.overlap:.3f}. {end}; {changed} units have changed."


def _grid(units: int) -> tuple[int, int]:
    """The rectangle that is nearest to a square."""
    height = max(h for h in range(1, int(units**0.5) + 1) if units % h == 0)
    return height, units // height
