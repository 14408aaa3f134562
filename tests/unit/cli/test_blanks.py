"""Regions are found by their markers, blanked and filled again; what cannot be read is refused in one line."""

from pathlib import Path

import black
import pytest

from cli.grading.blanks import blank, body_of, find_regions, with_body
from utils.errors import InputError

HERE = Path("models/01_toy")


def source(what: str = "one", body: str = "    return 1") -> dict[str, str]:
    return {"src/model.py": f"def one():\n    # exercise one-more: {what}\n{body}\n    # end exercise\n"}


def blanked(sources: dict[str, str]) -> str:
    return blank(sources, find_regions(sources, HERE)["one-more"])["src/model.py"]


@pytest.mark.parametrize("what", ["one", 'a "quoted" one', "a \\ and 'that'", "long " * 20, "longer " * 15])
def test_a_blank_raises_what_is_to_be_written_and_stays_as_black_would_have_it(what: str) -> None:
    text = blanked(source(what.strip()))
    assert black.format_str(text, mode=black.Mode(line_length=120)) == text
    scope: dict[str, object] = {}
    exec(text, scope)
    with pytest.raises(NotImplementedError) as caught:
        scope["one"]()  # type: ignore[operator]
    assert str(caught.value) == what.strip()


def test_the_equation_that_a_region_begins_with_is_left() -> None:
    text = blanked(source(body="    # (1)  y = 1\n    y = 1\n    # not this\n    return y"))
    assert "# (1)  y = 1\n    raise" in text
    assert "not this" not in text


def test_a_solution_put_back_gives_the_same_file() -> None:
    sources = source()
    empty = {"src/model.py": blanked(sources)}
    region = find_regions(sources, HERE)["one-more"]
    assert with_body(empty, find_regions(empty, HERE)["one-more"], body_of(sources, region)) == sources


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# exercise: no name\n# end exercise\n", 1),
        ("# exercise Name: a capital\n# end exercise\n", 1),
        ("# end exercise\n", 1),
        ("# exercise a: first\n# exercise b: inside\n# end exercise\n", 2),
        ("x = 1\n# exercise a: never ends\n", 2),
        ("# exercise a: one\n# end exercise\n# exercise a: again\n# end exercise\n", 3),
    ],
)
def test_markers_that_make_no_region_are_refused_with_their_line(text: str, line: int) -> None:
    with pytest.raises(InputError, match=rf"models/01_toy/src/model\.py:{line}: ") as caught:
        find_regions({"src/model.py": text}, HERE)
    assert "\n" not in str(caught.value)
