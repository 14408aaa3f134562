"""Rows of CSV, one by one."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator

from inference.examples import check_columns
from utils.errors import InputError


def read_rows(lines: Iterable[str], source: str, names: tuple[str, ...]) -> Iterator[list[float]]:
    """The numbers of each row, in the order of the model's columns.

    Args:
        lines: The text.
        source: Where it is from, for messages.
        names: The model's columns. Where there are any, the first row may name them, in any order.

    Raises:
        InputError: There are no rows, or one is not what the model takes.
    """
    reader = csv.reader(lines)
    rows = (row for row in reader if any(map(str.strip, row)))
    try:
        first = next(rows, None)
        if first is None:
            raise InputError(f"{source} holds no examples")
        if not names or _is_number(first[0]):
            yield _numbers(first, source, reader.line_num)
            for row in rows:
                yield _numbers(row, source, reader.line_num)
            return
        order, empty = _order([name.strip() for name in first], source, names), True
        for row in rows:
            if len(row) != len(first):
                raise InputError(f"{source}, line {reader.line_num}: {len(row)} values, but {len(first)} columns")
            numbers = _numbers(row, source, reader.line_num)
            yield [numbers[place] for place in order]
            empty = False
    except csv.Error as error:
        raise InputError(f"{source} is not CSV: {error}") from None
    if empty:
        raise InputError(f"{source} has column names and no rows")


def _order(header: list[str], source: str, names: tuple[str, ...]) -> list[int]:
    """Where in a row each of the model's columns is."""
    places = {name: place for place, name in enumerate(header)}
    if len(places) < len(header):
        raise InputError(f"{source} has the column '{twice(header)[:40]}' twice")
    try:
        check_columns(places, names)
    except InputError as error:
        raise InputError(f"{source}: {error}") from None
    return [places[name] for name in names]


def twice(names: Iterable[str]) -> str:
    """The first of `names` that is there more than once."""
    return next(name for name, times in Counter(names).items() if times > 1)


def _number(text: str) -> float:
    if "_" in text:  # Python takes 1_0 for 10
        raise ValueError
    return float(text)


def _is_number(text: str) -> bool:
    try:
        _number(text)
    except ValueError:
        return False
    return True


def _numbers(row: list[str], source: str, line: int) -> list[float]:
    try:
        return list(map(_number, row))
    except ValueError:
        wrong = next(cell for cell in row if not _is_number(cell)).strip()
        raise InputError(f"{source}, line {line}: '{wrong[:40]}' is not a number") from None
