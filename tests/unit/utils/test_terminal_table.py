"""Tables of plain text."""

from utils.terminal.table import table


def test_numbers_stand_right_and_text_left() -> None:
    assert table(("name", "n"), [("a", 1), ("bcdef", 10)]) == "name    n\n-----  --\na       1\nbcdef  10"


def test_a_table_without_rows_is_its_header() -> None:
    assert table(("name", "n"), []) == "name  n\n----  -"
