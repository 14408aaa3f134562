"""The board of points: what is learned on it, and what ends a learning."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deployment.interface import board as module
from deployment.interface.board import Board
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


def test_there_is_nothing_to_learn_on_an_empty_board(board: Board) -> None:
    with pytest.raises(InputError, match="no points to learn"):
        next(board.learn(1))
