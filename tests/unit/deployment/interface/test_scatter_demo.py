"""The board of points: what is learned on it, and what ends a learning."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deployment.interface import scatter_demo as module
from deployment.interface.scatter_demo import MOST_POINTS, Board
from engine.config import ExperimentConfig
from tests.doubles.bench import NETWORK, Bench
from tests.doubles.served import NoSettings, served
from utils.errors import InputError


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Board:
    """An empty one, on which the model after n epochs is the number n."""

    def learn(*_: object) -> Iterator[tuple[int, object]]:
        yield from ((n, n) for n in (1, 4, 16))

    monkeypatch.setattr(Board, "fetch", lambda self: None)
    monkeypatch.setattr(module, "learn", learn)
    config: ExperimentConfig = Bench(NETWORK, tmp_path / "outputs").config("blobs")
    return Board(served(tmp_path / "01_toy", config.model_copy(update={"model": NoSettings()})))


def test_each_look_shows_the_model_that_has_learned_so_far(board: Board) -> None:
    board.points, board.classes = [(0.0, 1.0)], [1]
    assert [(board.epochs, board.pipeline) for _ in board.learn(16)] == [(1, 1), (4, 4), (16, 16)]


def test_asking_for_the_trained_model_ends_a_learning(board: Board) -> None:
    board.points, board.classes = [(0.0, 1.0)], [1]
    learning = board.learn(16)
    next(learning)
    board.forget()
    assert list(learning) == []
    assert (board.epochs, board.pipeline) == (None, board.predictor.pipeline)


def test_the_line_of_a_model_is_drawn_in_the_units_of_the_plane(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"weights": np.array([1.0, 3.0]), "bias": 0.5, "undecided": 1e-6}

    def nothing(batch: tuple[torch.Tensor, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {"predictions": torch.zeros(len(batch[0]), dtype=torch.int64)}

    model = SimpleNamespace(plot_data=lambda: told, evaluation_step=nothing)
    board.pipeline = SimpleNamespace(model=model, prepare=lambda x: x)
    drawn, render = [], module.plotting.render
    monkeypatch.setattr(module.plotting, "render", lambda name, given: drawn.append(given) or render(name, given))
    board.draw()
    (given,) = drawn  # of standardised inputs (x - mean) / scale, with mean 0.5 and 2, and scale 0.5 and 3
    assert (given["weights"].tolist(), given["bias"], given["undecided"]) == ([2.0, 1.0], 0.5 - 1 - 2, 1e-6)


def test_there_is_nothing_to_learn_on_an_empty_board(board: Board) -> None:
    with pytest.raises(InputError, match="no points to learn"):
        next(board.learn(1))


def test_a_board_takes_as_many_points_as_it_may_and_no_more(board: Board) -> None:
    board.points, board.classes = [(0.0, 1.0)] * (MOST_POINTS - 1), [1] * (MOST_POINTS - 1)
    board.touch(0.5, 0.5, 0)
    with pytest.raises(InputError, match="there are 400 points already"):
        board.touch(0.5, 0.5, 0)
    assert len(board.points) == len(board.classes) == MOST_POINTS == 400


def test_of_the_training_data_no_more_are_shown(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    train = SimpleNamespace(inputs=torch.zeros(500, 2), targets=torch.zeros(500, dtype=torch.int64))
    monkeypatch.setattr(module, "load", lambda _: SimpleNamespace(train=train))
    board.fetch()
    assert len(board.points) == len(board.classes) == MOST_POINTS
