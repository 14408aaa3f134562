"""What making a model smaller costs and brings."""

from plotting.search.optimisation import optimisation

FORMS = [
    {"name": "checkpoint", "bytes": 4000, "compressed": 3600, "milliseconds": {1: 0.1, 64: 0.4}, "value": 0.95},
    {"name": "int8", "bytes": 1000, "compressed": 900, "milliseconds": {1: 0.05, 64: 0.1}, "value": 0.94},
]


def test_every_form_has_a_bar_for_its_size_each_time_and_its_quality() -> None:
    figure = optimisation("digits", FORMS, "test accuracy")
    size, one, many, quality = figure.axes
    widths = [[bar.get_width() for bar in axes.containers[0]] for axes in (size, one, many, quality)]
    assert widths == [[4.0, 1.0], [0.1, 0.05], [0.4, 0.1], [0.95, 0.94]]
    assert [bar.get_width() for bar in size.containers[1]] == [3.6, 0.9]
    assert [label.get_text() for label in size.get_yticklabels()] == ["checkpoint", "int8"]


def test_the_headline_tells_what_the_last_form_brought_and_cost() -> None:
    words = optimisation("digits", FORMS, "test accuracy").get_suptitle().replace("\n", " ")
    assert words == "digits, int8: 25% of the size, 25% compressed; test accuracy 0.95 before and 0.94 after"
