"""Examples from what a command line names: a picture, a CSV, JSON or text file, `-` for stdin, or an example itself."""

import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

from data_utils.description import Description
from utils.errors import InputError

LARGEST_FILE = 64 * 2**20
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_TEXTS = (".csv", ".json", ".jsonl", ".txt")
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"RIFF")


def read_examples(source: str, data: Description) -> list[Any]:
    """The examples that `source` names, as `inference.examples` takes them.

    Args:
        source: A file, `-` for stdin, or one example written out: `0,1` or `HELLO`.
        data: What the model learned from.

    Raises:
        InputError: There is no such file, or it holds no examples.
    """
    if source == "-":
        content = sys.stdin.buffer.read(LARGEST_FILE + 1)
        return _parse(content, "", "stdin", data)
    path = Path(source)
    if path.suffix.lower() in (*_PICTURES, *_TEXTS) or path.is_file():
        return _parse(_content(path), path.suffix.lower(), source, data)
    return _lines(source, source, data)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _parse(content: bytes, suffix: str, source: str, data: Description) -> list[Any]:
    if len(content) > LARGEST_FILE:
        raise InputError(f"{source} is larger than {LARGEST_FILE // 2**20} MiB; split it")
    if suffix in _PICTURES or content.startswith(_MAGIC):
        if data.kind != "image":
            raise InputError(f"{source} is a picture, but this model takes a {data.kind}")
        return [content]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{source} is neither a picture nor UTF-8 text") from None
    if suffix in (".json", ".jsonl") or text.lstrip().startswith(("[", "{")):
        return _json(text, source)
    return _lines(text, source, data)


def _json(text: str, source: str) -> list[Any]:
    """A list of examples, or one on each line."""
    try:
        document = json.loads(text)
        return document if isinstance(document, list) else [document]
    except ValueError as whole:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError:
            raise InputError(f"{source} is not JSON: {whole}") from None
        except RecursionError:
            raise InputError(f"{source} is nested too deeply") from None
    except RecursionError:
        raise InputError(f"{source} is nested too deeply") from None


def _lines(text: str, source: str, data: Description) -> list[Any]:
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{source or 'the input'} holds no examples")
    if data.kind == "text":
        return lines
    if data.kind == "image":
        raise InputError(f"{source} is no picture; give a PNG, JPEG, BMP or WebP file, or JSON")
    return _rows(text, source)


def _rows(text: str, source: str) -> list[Any]:
    """Rows of CSV: by the names of the columns where the first line has names, else by their places."""
    try:
        rows = [row for row in csv.reader(io.StringIO(text)) if row]
    except csv.Error as error:
        raise InputError(f"{source} is not CSV: {error}") from None
    header = None if _is_number(rows[0][0]) else [name.strip() for name in rows[0]]
    examples: list[Any] = []
    for number, row in enumerate(rows[1:] if header else rows, start=2 if header else 1):
        if header and len(row) != len(header):
            raise InputError(f"{source}, line {number}: {len(row)} values, but {len(header)} columns")
        numbers = [_number(value, f"{source}, line {number}") for value in row]
        examples.append(dict(zip(header, numbers, strict=True)) if header else numbers)
    if not examples:
        raise InputError(f"{source} has column names and no rows")
    return examples


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(text: str, where: str) -> float:
    if not _is_number(text):
        raise InputError(f"{where}: '{text[:40]}' is not a number")
    return float(text)
