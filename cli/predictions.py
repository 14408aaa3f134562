"""A model's answers as text, for people and for programs."""

import csv
import io
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import click

from utils.batched import batched
from utils.strict_json import dumps
from utils.terminal.table import table

Answer = dict[str, Any]

_WIDEST = 32
_PAGE = 1000
"""So many answers are written at a time."""
_SILENT_SECONDS = 10.0


def write(form: str, answers: Iterable[Any]) -> None:
    """Print answers as they come.

    Args:
        form: One of `FORMS`.
        answers: The model's.
    """
    pages = batched((answer.model_dump(mode="json") for answer in _counted(answers)), _PAGE)
    for text in FORMS[form](pages):
        click.echo(text, nl=False)


def _counted(answers: Iterable[Any]) -> Iterator[Any]:
    """The answers; in long work, now and then a line that says how many there are."""
    due = time.monotonic() + _SILENT_SECONDS
    for number, answer in enumerate(answers, start=1):
        if time.monotonic() > due:
            click.echo(f"{number} examples answered", err=True)
            due = time.monotonic() + _SILENT_SECONDS
        yield answer


def _json(pages: Iterable[list[Answer]]) -> Iterator[str]:
    """One list, a page at a time."""
    before = "["
    for page in pages:
        yield before + dumps(page, indent=2)[1:-2]  # without the brackets of the page
        before = ","
    yield "\n]\n"


def _csv(pages: Iterable[list[Answer]]) -> Iterator[str]:
    """Rows under the names of the first page, which are those of every answer of a model."""
    text = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for page in pages:
        rows = [_flat(answer, lists=True) for answer in page]
        if writer is None:
            writer = csv.DictWriter(text, _columns(rows), lineterminator="\n")
            writer.writeheader()
        writer.writerows({name: _plain(part) for name, part in row.items()} for row in rows)
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def _tables(pages: Iterable[list[Answer]]) -> Iterator[str]:
    """A table for each page."""
    number = 0
    for page in pages:
        rows = [_flat(answer, lists=False) for answer in page]
        columns = _columns(rows)
        cells = [[(number := number + 1), *(_short(row.get(name)) for name in columns)] for row in rows]
        yield f"{table(['example', *columns], cells)}\n"


def _columns(rows: Iterable[Answer]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _flat(value: Any, lists: bool, path: str = "") -> dict[str, Any]:
    """Nested values under dotted names; with `lists` also candidates, by their places: `candidates.1.label`."""
    if lists and _is_listing(value):
        value = {place: part for place, part in enumerate(value, start=1)}
    if isinstance(value, dict):
        return {name: item for key, part in value.items() for name, item in _flat(part, lists, f"{path}{key}.").items()}
    return {path.removesuffix("."): value}


def _is_listing(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(part, dict) for part in value)


def _plain(value: Any) -> Any:
    """A cell of CSV."""
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _short(value: Any) -> Any:
    """A cell of a table, for people; the other forms have all of it."""
    if _is_listing(value):
        return ", ".join(" ".join(str(_short(item)) for item in part.values()) for part in value)
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, int):
        return value
    text = "" if value is None else str(_plain(value))
    return f"{text[:_WIDEST]}…" if len(text) > _WIDEST else text


FORMS: dict[str, Callable[[Iterable[list[Answer]]], Iterator[str]]] = {"table": _tables, "json": _json, "csv": _csv}
"""Name to what makes text of answers, a page of them at a time."""
