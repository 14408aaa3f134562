"""ROADMAP.md's table is read, and added to, without touching anything else in it."""

from project.roadmap import Module, modules, with_chapters

TEXT = """# Roadmap

| Module | Chapters |
|---|---|
| 1 Neurons | **00 tape**, **01 perceptron**, 02 ResNet 50 in 10 lines |
| 12 The end, small | 34 post-training |

Later 77 more.
"""


def test_modules_have_titles_and_the_numbers_of_their_chapters() -> None:
    assert modules(TEXT) == [Module(1, "Neurons", (0, 1, 2)), Module(12, "The end, small", (34,))]


def test_a_chapter_without_a_folder_is_planned_and_one_that_nobody_planned_is_added_to_the_end_of_its_module() -> None:
    added = with_chapters(TEXT, [("Neurons", "35", "Mine \\1")])
    assert added == TEXT.replace("**", "").replace("in 10 lines |", "in 10 lines, **35 Mine \\1** |")
    assert modules(added)[0].chapters == (0, 1, 2, 35)


def test_a_chapter_that_is_planned_takes_its_place_once() -> None:
    done = [("Neurons", "01", "Perceptron"), ("Neurons", "02", "ResNet")]
    once = with_chapters(TEXT, done)
    assert "| 00 tape, **01 Perceptron**, **02 ResNet** |" in once
    assert with_chapters(once, done) == once
