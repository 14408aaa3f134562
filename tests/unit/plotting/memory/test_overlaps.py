import numpy as np

from plotting.memory.overlaps import overlaps


def test_overlaps_name_the_nearest_pattern() -> None:
    figure = overlaps("digits", np.array([0.2, 0.6]), np.array([-0.1, 1.0]), ("zero", "one"))
    words = " ".join(figure.get_suptitle().split())
    assert words == "digits: nearest to 'one', overlap 0.60 at the start and 1.00 at the end"
    assert [bar.get_width() for bar in figure.axes[0].patches] == [-0.1, 1.0]


def test_of_many_overlaps_the_largest_are_drawn() -> None:
    after = np.linspace(-1, 1, 41)
    figure = overlaps("digits", after, after, tuple(map(str, range(41))))
    assert len(figure.axes[0].patches) == 12
    assert figure.get_supxlabel() == "29 patterns that are less alike are left out"


def test_overlaps_with_nothing_are_said_to_be_that() -> None:
    assert "nothing is stored" in overlaps("digits", np.zeros(0), np.zeros(0), ()).get_suptitle()
