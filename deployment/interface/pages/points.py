"""The page of a model that tells classes apart in a plane: place points, ask, and watch the rule learn."""

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from deployment.interface.answers import ASKED, spoken, told
from deployment.interface.figures import captioned, shown
from deployment.interface.scatter_demo import Board
from inference.predictor import Predictor

TRY = (
    "Click in the plane to ask the model. Or choose a class and click to place points of it, then let a new model "
    "learn them, and watch where it puts its boundary."
)
_TAPE = (
    "How the answer at the star was computed. In each box: the operation, the shape of its result, and the largest "
    "entry of the gradient that the way back brings it, of the loss if the class that is answered is right."
)
_ASK = -1
_MOST_EPOCHS = 2000


def lay_out(page: gr.Blocks, predictor: Predictor) -> None:
    """Fill `page`, within which this is called."""
    names = predictor.data.class_names
    choices = [("asks the model", _ASK), *((f"adds a point of '{name}'", i) for i, name in enumerate(names))]
    board = gr.State(None)
    with gr.Row():
        with gr.Column(scale=3, min_width=340):
            plane = shown("The plane, the points, and the model's answer for every place", "plane")
        with gr.Column(scale=2, min_width=300):
            click = gr.Radio(choices, value=_ASK, label="A click", elem_id="click")
            answer = gr.Label(label="The model's answer", elem_id="answer")
            epochs = gr.Slider(1, _MOST_EPOCHS, value=100, step=1, label="Times through the points", elem_id="epochs")
            learn = gr.Button("Learn the points", variant="primary")
            with gr.Row():
                undo = gr.Button("Undo", min_width=140)
                clear = gr.Button("Clear", min_width=140)
            with gr.Row():
                fetch = gr.Button("Training data", min_width=140)
                forget = gr.Button("Trained model", min_width=140)
            state = gr.Markdown(elem_id="state")
    with gr.Column(visible=hasattr(predictor.chapter.serving, "computation")):
        tape = captioned(_TAPE, "tape", wide=True)

    outputs = [board, plane, answer, state, tape]
    page.load(lambda: _now(Board(predictor)), outputs=outputs)
    plane.select(_touched, [board, click], outputs)
    learn.click(_learned, [board, epochs], outputs)
    for button, action in ((undo, Board.undo), (clear, Board.clear), (fetch, Board.fetch), (forget, Board.forget)):
        button.click(_changed(action), board, outputs)


def _touched(board: Board, number: int, event: gr.SelectData) -> list[Any]:
    column, row = event.index
    with told():
        board.touch(column, row, None if number == _ASK else number)
    return _now(board)


def _learned(board: Board, epochs: int) -> Iterator[list[Any]]:
    with told():
        for _ in board.learn(epochs):
            yield _now(board)
        return
    yield _now(board)


def _changed(action: Callable[[Board], None]) -> Callable[[Board], list[Any]]:
    def changed(board: Board) -> list[Any]:
        action(board)
        return _now(board)

    return changed


def _now(board: Board) -> list[Any]:
    plane = board.draw()
    answer = None
    with told():  # a model that diverged has none
        answer = board.answer(ASKED)
    if board.epochs is None:
        remarks = [f"The model is that of run `{board.predictor.run_id}`."]
    else:
        remarks = [f"The model is a new one; it went {board.epochs} times through the points that were there."]
    if board.points:
        remarks.append(f"{board.right()} of {len(board.points)} points are right.")
    if board.asked is not None:
        names = board.predictor.data.feature_names
        place = ", ".join(f"{name} = {value:.4g}" for name, value in zip(names, board.asked, strict=True))
        remarks.append(f"The star is at {place}.")
    return [board, plane, None if answer is None else spoken(answer), " ".join(remarks), board.tape()]
