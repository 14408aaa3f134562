"""A plane with points of several classes, and a model that answers for all of it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

import plotting
from data_utils import load
from data_utils.description import Scale
from deployment.interface.figures import picture
from deployment.interface.learning import learn
from inference.predictor import Predictor
from plotting.points import view
from utils.errors import InputError, ScratchError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from inference.answers import PredictOptions

MOST_POINTS = 400
"""Of the training data, or placed: more are slow to learn by hand and hide one another."""


class Board:
    """What one visitor sees: points, and the checkpoint's model or one that has learned the points.

    Args:
        predictor: The checkpoint.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor, self.pipeline = predictor, predictor.pipeline
        self.epochs: int | None = None
        """How long the points were learned; None while the checkpoint's model answers."""
        self._lesson: object | None = None  # which learning may change the model
        self.asked: tuple[float, float] | None = None
        self.points: list[tuple[float, float]] = []
        self.classes: list[int] = []
        data = predictor.data
        self._seen = view(np.array([data.low, data.high]))
        self._frame = (0.0, 0.0, 1.0, 1.0)  # left, top, width and height of the panel in the picture, in pixels
        self.fetch()

    def fetch(self) -> None:
        """Show the data that the checkpoint learned from, where it can be had."""
        try:
            train = load(self.predictor.config.data).train
        except ScratchError:  # a file that is not here and cannot be downloaded: the board starts empty
            return
        inputs, scale = train.inputs[:MOST_POINTS].double(), self.predictor.data.standardization
        self.points = [(x, y) for x, y in _in_units(inputs, scale).tolist()]
        self.classes = train.targets[:MOST_POINTS].tolist()

    def clear(self) -> None:
        """Take all points away."""
        self.points, self.classes, self.asked = [], [], None

    def undo(self) -> None:
        """Take the newest point away."""
        del self.points[-1:], self.classes[-1:]

    def forget(self) -> None:
        """Let the checkpoint's model answer again, and end a learning that is going on."""
        self.pipeline, self.epochs, self._lesson = self.predictor.pipeline, None, None

    def touch(self, column: float, row: float, number: int | None) -> None:
        """Ask at a place of the picture that was drawn last, or put a point there.

        Args:
            column: In pixels from the left.
            row: In pixels from the top.
            number: The class of the point; None asks.

        Raises:
            InputError: There are as many points as there may be.
        """
        left, top, width, height = self._frame
        right, up = (column - left) / width, 1 - (row - top) / height
        if not (0 <= right <= 1 and 0 <= up <= 1):
            return  # beside the panel
        (x0, x1), (y0, y1) = self._seen.x, self._seen.y
        place = (x0 + right * (x1 - x0), y0 + up * (y1 - y0))
        if number is None:
            self.asked = place
        elif len(self.points) >= MOST_POINTS:
            raise InputError(f"there are {MOST_POINTS} points already; clear the board first")
        else:
            self.points.append(place)
            self.classes.append(number)

    def learn(self, epochs: int) -> Iterator[None]:
        """Teach a new model the points, and pause whenever there is something to see.

        Raises:
            InputError: There are no points.
        """
        if not self.points:
            raise InputError("there are no points to learn; choose a class and click in the plane")
        targets = torch.tensor(self.classes)
        self._lesson = lesson = object()
        for epoch, pipeline in learn(self.predictor, self._tensor(self.points), targets, epochs):
            if self._lesson is not lesson:
                return  # `forget` came in between
            self.epochs, self.pipeline = epoch, pipeline
            yield

    def answer(self, asked: "PredictOptions") -> "BaseModel | None":
        """What the model says at the place that was asked about."""
        if self.asked is None:
            return None
        with torch.no_grad():
            outputs = self.pipeline(self._tensor([self.asked]))
        return self.predictor.answers(outputs, asked)[0]

    def right(self) -> int:
        """How many of the points the model puts into their class."""
        return int((self._classes(np.array(self.points, dtype=np.float32)) == np.array(self.classes)).sum())

    def draw(self) -> Image.Image:
        """The plane as it is now."""
        data = self.predictor.data
        points = np.array(self.points, dtype=np.float32).reshape(-1, 2)
        figure = plotting.render(
            "decision_boundary",
            {
                "subject": data.name if self.epochs is None else "your points",
                "inputs": points,
                "targets": np.array(self.classes, dtype=np.int64),
                "predict": self._classes,
                "class_names": data.class_names,
                "feature_names": data.feature_names,
                "seen": self._seen,
                **self._line(),
            },
        )
        (axes,) = figure.axes
        if self.asked is not None:
            axes.plot(*self.asked, marker="*", markersize=16, color="black", markeredgecolor="white", zorder=7)
        drawn = picture(figure)
        box = axes.get_position()  # in shares of the figure, from below; final only once it is drawn
        across, down = drawn.size
        self._frame = (box.x0 * across, (1 - box.y1) * down, box.width * across, box.height * down)
        return drawn

    def tape(self) -> Image.Image | None:
        """How the answer was computed at the place that was asked about, of a chapter that shows it."""
        serving: Any = self.predictor.chapter.serving  # `computation` is optional
        if self.asked is None or not hasattr(serving, "computation"):
            return None
        drawn = serving.computation(self.pipeline.model, self.pipeline.prepare(self._tensor([self.asked])))
        return picture(plotting.render("computation_graph", {"subject": self.predictor.data.name, **drawn}))

    def _classes(self, points: np.ndarray) -> np.ndarray:
        """The class at each of some places, [n, 2] to [n]."""
        nothing = torch.zeros(len(points), dtype=torch.int64)
        with torch.no_grad():
            inputs = self.pipeline.prepare(torch.as_tensor(points))
            said = self.pipeline.model.evaluation_step((inputs, nothing))  # type: ignore[operator]
        return said["predictions"].numpy()

    def _line(self) -> dict[str, Any]:
        """The line of a linear model, in the units of the plane, and when its scores decide nothing."""
        model = self.pipeline.model
        told = model.plot_data() if hasattr(model, "plot_data") else {}  # type: ignore[operator]
        weights = np.asarray(told.get("weights", ()))
        if weights.shape != (2,):
            return {}
        bias, scale = told["bias"], self.predictor.data.standardization
        if scale is not None:
            weights = weights / np.array(scale.scale)
            bias -= float(weights @ np.array(scale.mean))
        return {"weights": weights, "bias": bias, "undecided": told.get("undecided")}

    def _tensor(self, points: list[tuple[float, float]]) -> torch.Tensor:
        return self.predictor.batch([list(point) for point in points])


def _in_units(inputs: torch.Tensor, scale: Scale | None) -> torch.Tensor:
    return inputs if scale is None else inputs * torch.tensor(scale.scale) + torch.tensor(scale.mean)
