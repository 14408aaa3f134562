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
    rows = [_flat(answer) for answer in answers]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if form == "table":
        cells = [[number, *(_short(row.get(name, "")) for name in columns)] for number, row in enumerate(rows, start=1)]
        return table(["example", *columns], cells)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return text.getvalue().rstrip("\n")


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Nested values under dotted names; candidates are named by their place: `candidates.1.label`."""
    if isinstance(value, dict):
        return {name: item for key, part in value.items() for name, item in _flat(part, f"{path}{key}.").items()}
    if isinstance(value, list) and any(isinstance(part, dict) for part in value):
        return {n: item for i, part in enumerate(value, 1) for n, item in _flat(part, f"{path}{i}.").items()}
    if isinstance(value, list):
        value = " ".join(map(str, value))
    return {path.removesuffix("."): "" if value is None else value}


def _short(value: Any) -> Any:
    """A cell of a table; the other forms have all of it."""
    if isinstance(value, str) and len(value) > _WIDEST:
        return f"{value[:_WIDEST]}…"
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    run_command(predict, "scratch predict")
