"""The work of `scratch predict`, in the chapter's environment: `python -m cli.predict_tool CHAPTER --checkpoint …`."""

import csv
import io
from pathlib import Path
from typing import Any

import click

from cli.errors import run_command
from cli.table import table
from utils.strict_json import dumps

_WIDEST = 32


@click.command()
@click.argument("chapter", type=click.Path(path_type=Path))
@click.option("--checkpoint", required=True)
@click.option("--input", "source", required=True)
@click.option("--top", type=int)
@click.option("--threshold", type=float)
@click.option("--batch-size", type=int)
@click.option("--device", required=True)
@click.option("--output", "form", required=True)
@click.option("--outputs", type=click.Path(path_type=Path))
@click.option("--debug", is_flag=True)
def predict(
    chapter: Path,
    checkpoint: str,
    source: str,
    top: int | None,
    threshold: float | None,
    batch_size: int | None,
    device: str,
    form: str,
    outputs: Path | None,
    debug: bool,
) -> None:
    """Print the answers to the examples that `source` names."""
    from inference.answers import Asked
    from inference.files import read_examples
    from inference.predictor import BATCH_SIZE, Predictor
    from utils.schema import validate

    predictor = Predictor.from_checkpoint(chapter, checkpoint, outputs, device)
    given = {name: value for name, value in (("top", top), ("threshold", threshold)) if value is not None}
    asked = validate(Asked, given, "the options")
    examples = read_examples(source, predictor.data)
    answers = predictor.predict(examples, asked, batch_size or BATCH_SIZE)
    click.echo(_written([answer.model_dump(mode="json") for answer in answers], form))


def _written(answers: list[dict[str, Any]], form: str) -> str:
    if form == "json":
        return dumps(answers, indent=2)
    rows = [_flat(answer, lists=form == "csv") for answer in answers]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if form == "table":
        cells = [[number, *(_short(row.get(name)) for name in columns)] for number, row in enumerate(rows, start=1)]
        return table(["example", *columns], cells)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_plain(row.get(name)) for name in columns] for row in rows)
    return text.getvalue().rstrip("\n")


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


if __name__ == "__main__":
    run_command(predict, "scratch predict")
