"""How tests on a changed copy of a chapter went."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Failure:
    """Why a test failed."""

    test: str
    """Its name as pytest has it, from the chapter's folder on; empty where no test was begun."""
    said: str
    """What was expected and what came; may have several lines."""
    file: str = ""
    """The chapter's file where it happened, such as `src/model.py`, and its line; empty where it was in the test."""
    line: int = 0
    missing: str = ""
    """What was still to be written there, as its marker says."""
    broken: bool = False
    """Whether the tests could not even be loaded."""


@dataclass(frozen=True)
class Outcome:
    """How a trial went."""

    failure: Failure | None = None
    passed: tuple[str, ...] = ()
    """The tests that passed; with a failure, those before it."""
    skipped: tuple[str, ...] = ()
    """Why tests were skipped."""
    printed: str = ""
    """What the code under the failed test printed."""
    seconds: float = 0.0
