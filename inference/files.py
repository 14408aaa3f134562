"""Examples from what a command line names: a picture, a CSV, JSON or text file, `-` for stdin, or an example itself.

Rows, words and lines of JSON are read as they are asked for, so there may be any number of them.
"""

import io
import json
import os.path
import sys
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain, islice, repeat
from typing import IO, Any, TypeVar

from data_utils.description import Description
from inference.pictures import FORMATS
from inference.rows import read_rows, twice
from utils.errors import InputError

LARGEST_PIECE = 64 * 2**20
"""Of what has to be in memory at once: a picture, a JSON document, a line."""

Piece = TypeVar("Piece", bytes, str)

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
_TEXTS = (".csv", ".json", ".jsonl", ".txt")
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"RIFF")


def read_examples(source: str, data: Description) -> Iterator[Any]:
    """The examples that `source` names, one by one, as `inference.examples` takes them.

    Args:
        source: A file, `-` for stdin, or examples written out: `0,1`, `HELLO` or `[[0, 1]]`.
        data: What the model learned from.

    Raises:
        InputError: There is no such file, it holds no examples, or what comes next is none.
    """
    suffix = os.path.splitext(source)[1].lower()
    if source != "-" and suffix not in (*_PICTURES, *_TEXTS) and not _is_there(source, data):
        lines = source.splitlines(keepends=True)
        names = data.feature_names if len(lines) > 1 else ()
        yield from _examples(iter(lines), "", f"'{source[:40]}' (no file of this name)", data, names)
        return
    name = "stdin" if source == "-" else source
    if suffix in _PICTURES and data.kind != "image":
        raise InputError(f"{name} is a picture, but this model takes a {data.kind}")
    try:
        with _opened(source) as file:
            yield from _read(file, suffix, name, data)
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from None


def _is_there(source: str, data: Description) -> bool:
    """Whether `source` is to be opened, if only to say that it is a folder; a word may be called as one."""
    return os.path.exists(source) and not (data.kind == "text" and os.path.isdir(source))


def _opened(source: str) -> AbstractContextManager[IO[bytes]]:
    if source != "-":
        return open(source, "rb")
    if sys.stdin is None:
        raise InputError("stdin is closed; give it something to read, or name a file")
    return nullcontext(sys.stdin.buffer)


def _read(file: IO[bytes], suffix: str, name: str, data: Description) -> Iterator[Any]:
    first = file.readline(LARGEST_PIECE + 1)
    if suffix in _PICTURES or (data.kind == "image" and first.startswith(_MAGIC)):
        yield _within_limit(first + file.read(LARGEST_PIECE + 1 - len(first)), name)
    else:
        more = iter(lambda: file.readline(LARGEST_PIECE + 1), b"")
        lines = _decoded(chain([first.removeprefix(BOM_UTF8)], more), name)
        yield from _examples(lines, suffix, name, data, data.feature_names)


def _decoded(lines: Iterable[bytes], name: str) -> Iterator[str]:
    try:
        for line in lines:
            yield _within_limit(line, name).decode()
    except UnicodeDecodeError:
        raise InputError(f"{name} is neither UTF-8 text nor a {', '.join(FORMATS)} picture") from None


def _within_limit(piece: Piece, name: str) -> Piece:
    if len(piece) > LARGEST_PIECE:
        most = f"{LARGEST_PIECE // 2**20} MiB"
        raise InputError(f"{name} has a picture, a document or a line of more than {most}; give one example a line")
    return piece


def _examples(lines: Iterator[str], suffix: str, name: str, data: Description, names: tuple[str, ...]) -> Iterator[Any]:
    blank = 0
    while (first := next(lines, None)) is not None and not first.strip():
        blank += 1
    if first is None:
        raise InputError(f"{name} holds no examples")
    if suffix in (".json", ".jsonl") or first.lstrip().startswith(("[", "{")):
        yield from _json(first, lines, suffix == ".jsonl", name)
    elif data.kind == "image":
        raise InputError(f"{name} is no picture; give a PNG, JPEG, BMP or WebP file, or JSON")
    elif data.kind == "text":
        yield from filter(None, map(str.strip, chain([first], lines)))
    else:
        yield from read_rows(chain(repeat("\n", blank), [first], lines), name, names)


def _json(first: str, lines: Iterator[str], by_lines: bool, name: str) -> Iterator[Any]:
    """A list of examples or a single object; or an example on each line."""
    load = partial(json.loads, object_pairs_hook=partial(_object, name))
    try:
        value = load(first) if by_lines else _document(first, lines, load, name)
        more = map(load, filter(str.strip, lines))
        second = list(islice(more, 1))
        yield from value if isinstance(value, list) and not by_lines and not second else [value]
        yield from chain(second, more)
    except ValueError as error:
        raise InputError(f"{name} is not JSON: {error}") from None
    except RecursionError:
        raise InputError(f"{name} is nested too deeply") from None


def _object(name: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise InputError(f"{name} has '{twice(key for key, _ in pairs)[:40]}' twice in one object")
    return content


def _document(first: str, lines: Iterable[str], load: Callable[[str], Any], name: str) -> Any:
    """What the first line holds, or the whole text where a line is not enough."""
    try:
        return load(first)
    except ValueError:
        whole = io.StringIO()
        for line in chain([first], lines):
            whole.write(line)
            if whole.tell() > LARGEST_PIECE:
                break
        return load(_within_limit(whole.getvalue(), name))
