import numpy as np

from plotting.classification.response import response


def test_a_response_says_how_much_the_answer_changes() -> None:
    x = np.linspace(0, 10, 20)
    figure = response("line", x, np.stack([x, -2 * x], axis=1), ("a", "b"), "age", "values", 5.0)
    assert figure.get_suptitle() == "line: along age the answer changes by 20"
    assert len(figure.axes[0].lines) == 3


def test_a_response_along_a_constant_column_is_drawn() -> None:
    response("line", np.ones(20), np.ones((20, 1)), ("a",), "age", "values", 1.0)
