"""What comes back from the paper is looked at before it is taken."""

import pytest
from PIL import Image

from deployment.interface.canvas import read, written
from utils.errors import InputError

GREY = Image.linear_gradient("L").resize((28, 28))


def test_what_is_written_is_read() -> None:
    assert read(written(GREY), (28, 28)).tobytes() == GREY.tobytes()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "data:image/png;base64,",
        "data:image/png;base64,%%%",
        "data:image/png;base64,QUJD",
        "data:text/html;base64,QUJD",
    ],
)
def test_anything_else_is_refused(value: str) -> None:
    with pytest.raises(InputError, match="no drawing from this page"):
        read(value, (28, 28))


def test_a_drawing_of_another_size_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(InputError, match="no drawing from this page"):
        read(written(Image.new("L", (4000, 4000))), (28, 28))


def test_a_drawing_that_is_too_long_is_refused() -> None:
    with pytest.raises(InputError, match="no drawing from this page"):
        read(written(GREY) + "A" * 2**20, (28, 28))
