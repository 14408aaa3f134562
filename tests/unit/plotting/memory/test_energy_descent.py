"""The energy of recalls: every curve, and those that rise."""

import numpy as np
from matplotlib.figure import Figure

from plotting.memory.energy_descent import energy_descent
from plotting.style import BLUE, VERMILLION

FALLING = np.array([[-0.1, -0.2], [-0.3, -0.3], [-0.3, -0.5]])


def headline(figure: Figure) -> str:
    return figure.get_suptitle().replace("\n", " ")


def test_each_recall_is_a_curve() -> None:
    figure = energy_descent("recall", FALLING, [0.0, 0.5, 1.0])
    curves = figure.axes[0].lines
    assert [curve.get_ydata().tolist() for curve in curves] == FALLING.T.tolist()
    assert {curve.get_color() for curve in curves} == {BLUE}
    assert headline(figure) == "recall: the energy never rises, in any of 2 recalls"


def test_a_recall_whose_energy_rises_stands_out() -> None:
    rising = FALLING.copy()
    rising[2, 1] = -0.25
    figure = energy_descent("synchronous", rising, [0.0, 1.0, 2.0])
    assert [curve.get_color() for curve in figure.axes[0].lines] == [BLUE, VERMILLION]
    assert headline(figure) == "synchronous: the energy rises in 1 of 2 recalls"
    assert figure.get_supxlabel() == "orange: recalls in which it rises"


def test_the_rounding_of_float32_is_no_rise() -> None:
    figure = energy_descent("modern", np.array([[-0.5], [-0.5 + 1e-8]]), [0.0, 1.0])
    assert headline(figure) == "modern: the energy never rises"


def test_a_single_recall_is_not_counted() -> None:
    falling, rising = np.array([[-0.1], [-0.2]]), np.array([[-0.2], [-0.1]])
    assert headline(energy_descent("one", falling, [0.0, 1.0])) == "one: the energy never rises"
    assert headline(energy_descent("one", rising, [0.0, 1.0])) == "one: the energy rises"


def test_values_that_are_not_finite_are_left_out_and_said() -> None:
    broken = FALLING.copy()
    broken[1, 0] = np.inf
    figure = energy_descent("recall", broken, [0.0, 0.5, 1.0])
    assert figure.get_supxlabel() == "1 value is not finite"
    figure.draw_without_rendering()


def test_without_recalls_the_figure_says_so() -> None:
    assert headline(energy_descent("recall", np.zeros((3, 0)), [0.0, 1.0, 2.0])) == "recall: no energies recorded"
