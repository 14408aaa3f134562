"""Examples from what a command line names: a picture, a CSV, JSON or text file, `-` for stdin, or an example itself."""

import csv
import io
import json
import os.path
import sys
from pathlib import Path
from typing import Any

from data_utils.description import Description
from inference.pictures import FORMATS
from utils.errors import InputError

LARGEST_FILE = 64 * 2**20
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_TEXTS = (".csv", ".json", ".jsonl", ".txt")
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"RIFF")


def read_examples(source: str, data: Description) -> list[Any]:
    """The examples that `source` names, as `inference.examples` takes them.

    Args:
        source: A file, `-` for stdin, or examples written out: `0,1`, `HELLO` or `[[0, 1]]`.
        data: What the model learned from.

    Raises:
        InputError: There is no such file, or it holds no examples.
    """
    if source == "-":
        if sys.stdin is None:
            raise InputError("stdin is closed; give it something to read, or name a file")
        return _parse(sys.stdin.buffer.read(LARGEST_FILE + 1), "", "stdin", data)
    suffix = os.path.splitext(source)[1].lower()
    if suffix in (*_PICTURES, *_TEXTS) or os.path.isfile(source):  # false for what no file can be called
        return _parse(_content(source), suffix, source, data)
    return _examples(source, "", f"'{source[:40]}' (no file of this name)", data)


def _content(source: str) -> bytes:
    try:
        with Path(source).open("rb") as file:
            return file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise InputError(f"cannot read {source}: {error.strerror}") from None


def _parse(content: bytes, suffix: str, source: str, data: Description) -> list[Any]:
    if len(content) > LARGEST_FILE:
        raise InputError(f"{source} is larger than {LARGEST_FILE // 2**20} MiB; split it")
    if suffix in _PICTURES and data.kind != "image":
        raise InputError(f"{source} is a picture, but this model takes a {data.kind}")
    if suffix in _PICTURES or (data.kind == "image" and content.startswith(_MAGIC)):
        return [content]
    try:
        return _examples(content.decode("utf-8-sig"), suffix, source, data)
    except UnicodeDecodeError:
        raise InputError(f"{source} is neither UTF-8 text nor a {', '.join(FORMATS)} picture") from None


def _examples(text: str, suffix: str, source: str, data: Description) -> list[Any]:
    if suffix in (".json", ".jsonl") or text.lstrip().startswith(("[", "{")):
        return _json(text, suffix == ".jsonl", source)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{source} holds no examples")
    if data.kind == "image":
        raise InputError(f"{source} is no picture; give a PNG, JPEG, BMP or WebP file, or JSON")
    return lines if data.kind == "text" else _rows(text, source)


def _json(text: str, by_lines: bool, source: str) -> list[Any]:
    """A list of examples or a single object; or an example on each line."""
    try:
        if not by_lines:
            try:
                document = json.loads(text)
                return document if isinstance(document, list) else [document]
            except ValueError:
                if len(text.splitlines()) == 1:
                    raise
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except ValueError as error:
        raise InputError(f"{source} is not JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{source} is nested too deeply") from None


def _rows(text: str, source: str) -> list[Any]:
    """Rows of CSV: by the names of the columns where the first line has names, else by their places."""
    reader = csv.reader(io.StringIO(text))
    try:
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise InputError(f"{source} is not CSV: {error}") from None
    if not rows:
        raise InputError(f"{source} holds no examples")
    header = None if _is_number(rows[0][1][0]) else rows[0][1]
    if header and (twice := [name for name in header if header.count(name) > 1]):
        raise InputError(f"{source} has the column '{twice[0][:40]}' twice")
    examples: list[Any] = []
    for number, row in rows[1:] if header else rows:
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
