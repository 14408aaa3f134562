"""A drawn figure lies where those of its data set lie."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from inference.framing import framed

SEVEN = [[(60, 60), (240, 60), (130, 280)]]
STROKES = {
    "0": [[(160, 40), (90, 90), (80, 160), (95, 240), (160, 280), (225, 240), (240, 160), (225, 90), (160, 40)]],
    "1": [[(130, 80), (165, 40), (165, 280)]],
    "2": [[(90, 90), (130, 45), (200, 50), (225, 100), (190, 170), (90, 275), (235, 275)]],
    "3": [[(90, 60), (160, 40), (220, 75), (210, 125), (150, 155), (220, 185), (230, 240), (160, 280), (90, 260)]],
    "4": [[(200, 280), (200, 40), (80, 200), (245, 200)]],
    "5": [[(225, 45), (110, 45), (100, 145), (170, 130), (230, 170), (230, 235), (165, 280), (90, 255)]],
    "6": [[(200, 45), (130, 110), (95, 200), (110, 260), (165, 280), (220, 250), (215, 190), (160, 165), (105, 200)]],
    "7": SEVEN,
    "8": [
        [(160, 40), (105, 70), (110, 120), (160, 150), (215, 190), (220, 245), (160, 280)],
        [(160, 280), (100, 245), (105, 190), (160, 150), (210, 120), (215, 70), (160, 40)],
    ],
    "9": [[(215, 90), (160, 40), (105, 75), (105, 130), (160, 155), (215, 120), (215, 90), (210, 190), (180, 280)]],
}


def drawn(strokes: list[list[tuple[int, int]]], width: int = 38, scale: float = 1.0, shift: int = 0) -> Image.Image:
    """Strokes on a page of 320 x 320, bright on dark."""
    page = Image.new("L", (320, 320))
    pen = ImageDraw.Draw(page)
    for stroke in strokes:
        points = [(x * scale + shift, y * scale + shift) for x, y in stroke]
        pen.line(points, 255, width, joint="curve")
        for x, y in points:
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), 255)
    return page


def middle(picture: Image.Image) -> tuple[float, float]:
    light = np.asarray(picture, dtype=float)
    places = np.arange(320) + 0.5
    return float(light.sum(0) @ places / light.sum()), float(light.sum(1) @ places / light.sum())


@pytest.mark.parametrize("digit", STROKES)
@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0), (0.4, 5), (0.5, 150)])
def test_a_digit_lies_as_those_of_mnist_wherever_it_was_drawn(digit: str, scale: float, shift: int) -> None:
    laid = framed(drawn(STROKES[digit], round(38 * scale), scale, shift), "mnist")
    left, top, right, bottom = laid.getbbox() or ()
    assert max(right - left, bottom - top) == pytest.approx(320 * 20 / 28, abs=1)
    assert middle(laid) == pytest.approx((160, 160), abs=1)


@pytest.mark.parametrize("digit", STROKES)
def test_a_digit_takes_the_rows_of_digits_and_no_more_than_six_columns(digit: str) -> None:
    laid = framed(drawn(STROKES[digit], 20, 0.5, 30), "digits")
    left, top, right, bottom = laid.getbbox() or ()
    assert (top, bottom) == (0, 320) and right - left <= 241
    assert middle(laid)[0] == pytest.approx(160, abs=1)


def test_in_another_data_set_a_figure_takes_all_it_can_in_the_middle() -> None:
    laid = framed(drawn(SEVEN), "shapes")
    left, top, right, bottom = laid.getbbox() or ()
    assert (top, bottom) == (0, 320) and abs(left + right - 320) <= 2
