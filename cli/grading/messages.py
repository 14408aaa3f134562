"""What went wrong in a test, in words that a learner can act on."""

import re
import traceback
from pathlib import Path

from cli.grading.outcome import Failure

LINES = 6  # of a long message
SHAPE = re.compile(r"([a-z]+)(\d+)\[([\d,]*)\]\(\w+\)")  # jaxtyping: f32[3,2](torch)
KINDS = {"f": "float", "i": "int", "u": "uint", "c": "complex", "b": "bool", "bf": "bfloat"}


def name_in_words(test: str) -> str:
    """`tests/test_x.py::test_a_tie_is_a_mistake[3]` as `a tie is a mistake [3]`."""
    name, _, parameters = test.rpartition("::")[2].partition("[")
    words = name.removeprefix("test_").replace("_", " ")
    return f"{words} [{parameters}" if parameters else words


def explain(error: BaseException, test: str, chapter: Path, broken: bool = False) -> Failure:
    """What `error`, raised in `test`, says about the sources of `chapter`."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if _is_below(chapter / "src", frame.filename)
    ]
    if isinstance(error, SyntaxError) and error.filename:
        return syntax(error, str(Path(error.filename).relative_to(chapter)), test)
    if not frames:
        return Failure(test, in_words(error), broken=broken)
    frame = frames[-1]
    file, line = str(Path(frame.filename).relative_to(chapter)), frame.lineno or 0
    if isinstance(error, NotImplementedError):
        return Failure(test, "", file, line, str(error), broken)
    said = f"line {line} of {file}, in {frame.name}: `{frame.line}`\n{in_words(error)}"
    return Failure(test, said, file, line, "", broken)


def syntax(error: SyntaxError, file: str, test: str = "") -> Failure:
    """A file that is not Python."""
    text = (error.text or "").strip()
    said = f"line {error.lineno} of {file} is not Python: {error.msg}" + (f"\n`{text}`" if text else "")
    return Failure(test, said, file, error.lineno or 0, broken=True)


def in_words(error: BaseException) -> str:
    """An error without its traceback."""
    message = str(error).strip()
    if type(error).__name__ == "TypeCheckError":
        return _type_check(message)
    if isinstance(error, AssertionError):
        words, _, comparison = f"\n{message}".partition("\nassert ")
        if words.strip():
            return _shortened(words.strip())
        return _shortened(f"this should hold, and does not: {comparison or 'an assertion without a message'}")
    return f"{type(error).__name__}: {_shortened(message)}" if message else type(error).__name__


def _type_check(message: str) -> str:
    """A shape or type that jaxtyping refused, such as "Actual value: f32[3,2](torch)"."""
    where = re.search(r"checking the (return value|parameters) of (\S+)\.", message)
    argument = re.search(r"typechecking parameter '(\w+)'", message)
    came = re.search(r"Actual value: (.*)", message)
    wanted = re.search(r"Expected type: (.*)", message)
    if not (where and came and wanted):
        return _shortened(message)
    function = where[2].rpartition(".")[2]
    subject = f"{function} was given as {argument[1]}" if argument else f"{function} returned"
    sizes = " ".join(re.findall(r"^\w+=\d+$", message, re.MULTILINE))
    expected = re.sub(r"^<class '(.*)'>\.?$", r"\1", wanted[1].strip()).rstrip(".")
    expected = re.sub(r"^(?:\w+\.)*(\w+\[)(?:\w+\.)*", r"\1", expected)
    return f"{subject} {SHAPE.sub(_shape, came[1].strip())}; expected {expected}" + (
        f", where {sizes}" if sizes else ""
    )


def _shape(found: re.Match[str]) -> str:
    kind, bits, sizes = found.groups()
    shape = f"({sizes.replace(',', ', ')}{',' if sizes.isdigit() else ''})"
    return f"{KINDS.get(kind, kind)}{bits} of shape {shape}"


def _shortened(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[:LINES] + (["..."] if len(lines) > LINES else []))


def _is_below(folder: Path, file: str) -> bool:
    return Path(file).is_relative_to(folder)
