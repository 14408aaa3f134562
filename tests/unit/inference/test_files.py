"""Examples from files, from stdin and from the command line itself."""

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from data_utils.description import Description
from inference import files
from inference.files import read_examples
from tests.support.descriptions import described
from utils.errors import InputError

TABLE, PICTURE, WORD = described((2,), feature_names=("x", "y")), described((1, 2, 2)), described((4, 26))
PNG = b"\x89PNG\r\n\x1a\n"

Write = Callable[[str, bytes | str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: bytes | str) -> str:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(tmp_path / name)

    return write


def by_stdin(content: bytes, data: Description, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))
        return read("-", data)


def read(source: str, data: Description) -> list[Any]:
    return list(read_examples(source, data))


NAMED = [{"x": 1.0, "y": 2.5}, {"x": -3.0, "y": 0.0}]
PLACED = [[1.0, 2.5], [-3.0, 0.0]]
TABLES = {
    "without.csv": ("1,2.5\n-3,0\n", PLACED),
    "with.csv": ("x,y\n1,2.5\n-3,0\n", PLACED),
    "spaced.csv": (" x , y\r\n\r\n 1 , 2.5\r\n-3,0", PLACED),
    "bom.csv": ("\ufeffx,y\n1,2.5\n-3,0\n", PLACED),
    "turned.csv": ("y,x\n2.5,1\n0,-3\n", PLACED),
    "quoted.csv": ('"x","y"\n"1","2.5"\n-3,0\n', PLACED),
    "list.json": (json.dumps(PLACED, indent=2), PLACED),
    "named.json": (json.dumps(NAMED), NAMED),
    "one.json": (json.dumps(NAMED[0]), NAMED[:1]),
    "bom.json": ("\ufeff" + json.dumps(PLACED), PLACED),
    "lines.jsonl": ("[1, 2.5]\n\n[-3, 0]\n", PLACED),
    "one.jsonl": ("[1, 2.5]\n", PLACED[:1]),
    "named.jsonl": ('{"x": 1, "y": 2.5}\n{"x": -3, "y": 0}\n', NAMED),
    "rows.txt": ("1,2.5\n-3,0\n", PLACED),
    "without-a-suffix": ("1,2.5\n-3,0\n", PLACED),
    "json-without-a-suffix": (json.dumps(NAMED), NAMED),
}


@pytest.mark.parametrize("name", TABLES)
def test_rows_come_from_a_file(name: str, write: Write) -> None:
    content, expected = TABLES[name]
    assert read(write(name, content), TABLE) == expected


@pytest.mark.parametrize("name", [name for name in TABLES if name != "one.jsonl"])  # of stdin this is a list of two
def test_rows_come_from_stdin(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content, expected = TABLES[name]
    assert by_stdin(content.encode(), TABLE, monkeypatch) == expected


@pytest.mark.parametrize("text", ["1,2.5", " 1, 2.5 ", "[[1, 2.5]]"])
def test_a_row_may_be_written_out(text: str) -> None:
    assert read(text, TABLE) == PLACED[:1]


def test_a_long_row_may_be_written_out() -> None:
    assert read(",".join(["0.25"] * 5000), TABLE) == [[0.25] * 5000]


def test_words_come_one_a_line(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(write("words.txt", " BMXY\nRIFF \n\nAAAA"), WORD) == ["BMXY", "RIFF", "AAAA"]
    assert by_stdin(b"BMXY\nRIFF\n", WORD, monkeypatch) == ["BMXY", "RIFF"]
    assert read("BMXY", WORD) == ["BMXY"]
    assert read(write("words.json", '["BMXY"]'), WORD) == ["BMXY"]


@pytest.mark.parametrize("start", [PNG, b"\xff\xd8\xff\xe0", b"BM", b"RIFF"])
def test_a_picture_is_handed_on_as_it_is(start: bytes, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(write("picture.png", start + b"rest"), PICTURE) == [start + b"rest"]
    assert read(write("picture", start + b"rest"), PICTURE) == [start + b"rest"]
    assert by_stdin(start + b"rest", PICTURE, monkeypatch) == [start + b"rest"]


def test_pictures_may_come_in_json(write: Write) -> None:
    assert read(write("p.json", '["AAAA", [[[0, 1], [1, 0]]]]'), PICTURE) == ["AAAA", [[[0, 1], [1, 0]]]]


REFUSED: list[tuple[str, bytes | str, Description, str]] = [
    ("empty.csv", "", TABLE, "empty.csv holds no examples"),
    ("blank.csv", " \n\t\n", TABLE, "blank.csv holds no examples"),
    ("commas.csv", ",\n,\n", TABLE, "commas.csv holds no examples"),
    ("quote.csv", '"', TABLE, "quote.csv holds no examples"),
    ("header.csv", "x,y\n", TABLE, "header.csv has column names and no rows"),
    ("twice.csv", "y,x,x\n1,2,3\n", TABLE, "twice.csv has the column 'x' twice"),
    ("lacks.csv", "x\n1\n", TABLE, "lacks.csv: column 'y' is missing; the columns are x, y"),
    ("foreign.csv", "x,y,z\n1,2,3\n", TABLE, "foreign.csv: 'z' is no column; the columns are x, y"),
    ("nameless.csv", "a,b\n1,2\n", described((2,)), "nameless.csv, line 1: 'a' is not a number"),
    ("short.csv", "x,y\n\n1\n", TABLE, "short.csv, line 3: 1 values, but 2 columns"),
    ("word.csv", "1,2\n\n3,four\n", TABLE, "word.csv, line 3: 'four' is not a number"),
    ("python.csv", "1,2\n1_0,2\n", TABLE, "python.csv, line 2: '1_0' is not a number"),
    ("gap.csv", "x,y\n1,\n", TABLE, "gap.csv, line 2: '' is not a number"),
    ("field.csv", "1," + "9" * 200_000, TABLE, "field.csv is not CSV: field larger than field limit"),
    ("nul.bin", b"\x00\xff\xfe", TABLE, "nul.bin is neither UTF-8 text nor a PNG, JPEG, BMP, WEBP picture"),
    ("binary.csv", PNG, TABLE, "binary.csv is neither UTF-8 text nor a PNG, JPEG, BMP, WEBP picture"),
    ("digit.png", PNG, TABLE, "digit.png is a picture, but this model takes a table"),
    ("words.txt", "hello", PICTURE, "words.txt is no picture; give a PNG, JPEG, BMP or WebP file, or JSON"),
    ("again.json", '[{"x": 0, "y": 1, "x": 5}]', TABLE, "again.json has 'x' twice in one object"),
    ("again.jsonl", '{"x": 0, "y": 1}\n{"x": 0, "x": 5}', TABLE, "again.jsonl has 'x' twice in one object"),
    ("again.txt", '{"x": 0,\n"x": 5}', TABLE, "again.txt has 'x' twice in one object"),
    ("nul.json", b"[\xff]", TABLE, "nul.json is neither UTF-8 text nor a PNG, JPEG, BMP, WEBP picture"),
    ("broken.json", '{"x": 1', TABLE, "broken.json is not JSON: "),
    ("broken.jsonl", "[1, 2]\n[3\n", TABLE, "broken.jsonl is not JSON: "),
    ("long.json", "9" * 5000, TABLE, "long.json is not JSON: "),
    ("deep.json", "[" * 200_000, TABLE, "deep.json is nested too deeply"),
]


@pytest.mark.parametrize(("name", "content", "data", "said"), REFUSED, ids=[name for name, *_ in REFUSED])
def test_a_file_that_holds_no_examples_is_told_in_a_line(
    name: str, content: bytes | str, data: Description, said: str, write: Write
) -> None:
    with pytest.raises(InputError) as refused:
        read(write(name, content), data)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("missing.csv", "cannot read missing.csv: No such file or directory"),
        ("x" * 300 + ".csv", "File name too long"),
        ("no-such-thing", "'no-such-thing' (no file of this name), line 1: 'no-such-thing' is not a number"),
        ("x,y", "'x,y' (no file of this name), line 1: 'x' is not a number"),
        ("1_0,5", "'1_0,5' (no file of this name), line 1: '1_0' is not a number"),
        ("1,two", "'1,two' (no file of this name), line 1: 'two' is not a number"),
        ("[[1,", "'[[1,' (no file of this name) is not JSON"),
        ("", "'' (no file of this name) holds no examples"),
        ("\0", "(no file of this name)"),
    ],
)
def test_a_source_that_is_nothing_is_told_in_a_line(source: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read(source, TABLE)
    assert said in str(refused.value)


def test_a_closed_stdin_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="stdin is closed"):
        read("-", TABLE)


@pytest.mark.parametrize("name", ["folder.csv", "folder"])
def test_a_folder_is_no_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(InputError, match=f"cannot read .*{name}: Is a directory"):
        read(str(tmp_path / name), TABLE)


def test_a_word_that_is_also_the_name_of_a_folder_is_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "DATA").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read("DATA", WORD) == ["DATA"]


def test_rows_come_through_a_pipe_with_a_name(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor() as pool:
        pool.submit((tmp_path / "pipe").write_text, "1,2.5\n-3,0\n")
        assert read(str(tmp_path / "pipe"), TABLE) == PLACED


def test_named_rows_may_be_written_out() -> None:
    assert read("y,x\n2.5,1", TABLE) == PLACED[:1]


# Many examples


@pytest.mark.timeout(60)
def test_a_header_of_very_many_columns_is_refused_at_once(write: Write) -> None:
    wide = write("wide.csv", ",".join(f"c{i}" for i in range(60_000)) + "\n")
    with pytest.raises(InputError, match=r"wide.csv: column 'x' is missing"):
        read(wide, TABLE)


class Endless(io.RawIOBase):
    """The same bytes again and again."""

    mode = "rb"

    def __init__(self, again: bytes) -> None:
        self.again = again

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        buffer[: len(self.again)] = self.again
        return len(self.again)


@pytest.mark.parametrize(
    ("again", "data", "expected"),
    [
        ("1,2.5\n", TABLE, PLACED[0]),
        ("[1, 2.5]\n\n", TABLE, PLACED[0]),
        ('{"x": 1, "y": 2.5}\n', TABLE, NAMED[0]),
        ("BMXY\n", WORD, "BMXY"),
        ('["AAAA"]\n', PICTURE, ["AAAA"]),
    ],
    ids=["rows", "lists", "objects", "words", "pictures"],
)
def test_there_may_be_any_number_of_examples(
    again: str, data: Description, expected: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(Endless(again.encode()))))
    monkeypatch.setattr(files, "LARGEST_PIECE", 100)
    assert list(islice(read_examples("-", data), 1000)) == [expected] * 1000


@pytest.mark.parametrize(
    ("name", "content", "data"),
    [
        ("line.csv", b"1," * 2**20, TABLE),
        ("document.json", b"[\n" + b"[1, 2],\n" * 2**18 + b"[1, 2]]", TABLE),
        ("words.txt", b"A" * 2**21, WORD),
        ("picture.png", PNG + bytes(2**20), PICTURE),
        ("picture", PNG + bytes(2**20), PICTURE),
    ],
)
def test_what_has_to_be_in_memory_at_once_has_a_limit(
    name: str, content: bytes, data: Description, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_PIECE", 2**20)
    with pytest.raises(InputError, match=f"{name} has a picture, a document or a line of more than 1 MiB"):
        read(write(name, content), data)
    with pytest.raises(InputError, match=r"stdin has .* more than 1 MiB"):
        by_stdin(content, data, monkeypatch)
