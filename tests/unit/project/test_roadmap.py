"""ROADMAP.md's table is read, and added to, without touching anything else in it."""

from project.roadmap import Module, modules, with_chapter

TEXT = """# Roadmap

| Module | Chapters |
|---|---|
| 1 Neurons | **00 tape**, **01 perceptron**, 02 ResNet 50 in 10 lines |
| 12 The end, small | 34 post-training |

Later 77 more.
"""


def test_modules_have_titles_and_the_numbers_of_their_chapters() -> None:
    assert modules(TEXT) == [Module(1, "Neurons", (0, 1, 2)), Module(12, "The end, small", (34,))]


def test_a_chapter_is_added_to_the_end_of_its_module() -> None:
    added = with_chapter(TEXT, 1, "35", "Mine \\1")
    assert added == TEXT.replace("in 10 lines |", "in 10 lines, 35 Mine \\1 |")
    assert modules(added)[0].chapters == (0, 1, 2, 35)


def test_a_chapter_that_is_planned_is_not_added_again() -> None:
    assert with_chapter(TEXT, 1, "02", "Mine") == TEXT
