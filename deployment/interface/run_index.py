"""The runs of all chapters, read from what is in their outputs; a run that is broken is listed as what it is."""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from engine.claims.claim import Claim
from engine.runs.metrics_log import Row, read_rows
from engine.runs.run import Folders, read_summary
from utils.errors import InputError
from utils.schema import validate

COLUMNS = ("run", "status", "best", "metric", "chapter", "seed", "epoch", "seconds")
UNREADABLE, KILLED = "unreadable", "killed"
_TIME = re.compile(r"\d{8}T\d{6}Z")
_EXACT = 2**53  # from here on a browser rounds whole numbers
_STRANGE = (InputError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError)
"""What comes of reading a file that is not what its name says."""


@dataclass(frozen=True)
class Entry:
    """One run in the list."""

    outputs: Path
    run_id: str
    chapter: str
    summary: dict[str, Any]
    """Its `metrics.json`; empty where that cannot be read."""

    @property
    def status(self) -> str:
        """How it stands, as it noted itself; one that was killed could not."""
        noted = str(self.summary.get("status", UNREADABLE))
        lock = Folders.of(self.outputs, self.run_id).models / ".lock"
        return KILLED if noted == "running" and not _held(lock) else noted

    @property
    def started(self) -> str:
        """When, by its name."""
        found = _TIME.search(self.run_id)
        return found[0] if found else ""

    @property
    def best(self) -> tuple[str, float | None]:
        """The metric that was watched, and its best value; empty where there was none."""
        best: Any = self.summary.get("best")
        value = _number(best.get("value")) if isinstance(best, dict) else None
        return ("", None) if value is None else (str(best.get("metric", "")), value)

    def row(self) -> list[Any]:
        """Its cells under `COLUMNS`."""
        metric, value = self.best
        known = [_number(self.summary.get(name)) for name in ("seed", "epoch", "seconds")]
        rounded = [round(each, 2) if isinstance(each, float) else each for each in known]
        shown = None if value is None else float(f"{value:.5g}")
        return [self.run_id, self.status, shown, metric, self.chapter, *rounded]

    def history(self) -> list[Row]:
        """The rows of its record; none where it cannot be read."""
        try:
            return read_rows(Folders.of(self.outputs, self.run_id).logs / "metrics.jsonl")
        except InputError:
            return []

    def last(self) -> Row:
        """The last value of each metric; of a run that could not note them, from its record."""
        noted = self.summary.get("last") or {
            name: value for row in self.history() for name, value in row.items() if "/" in name
        }
        return {name: _number(value) for name, value in noted.items()}

    def pictures(self) -> list[Path]:
        """What was drawn of it."""
        return sorted(Folders.of(self.outputs, self.run_id).visualizations.glob("*.png"))

    def claims(self) -> list[str]:
        """What its experiment claims, and whether this run bears that out: a line of Markdown each."""
        try:
            config = yaml.safe_load(
                (Folders.of(self.outputs, self.run_id).models / "config.yaml").read_text(encoding="utf-8")
            )
            claims = [validate(Claim, claim, "claims") for claim in config["claims"]]
        except _STRANGE:
            return []
        history = self.history()
        return [_judged(claim, history) for claim in claims]


def _number(value: Any) -> float | None:
    """`value` as a number that a browser knows; None where it is none, or is not finite."""
    if not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        return None
    return value if abs(value) < _EXACT else float(value)


def _judged(claim: Claim, history: list[Row]) -> str:
    about = f"`{claim.metric}`, {claim.over} ({claim.kind})"
    if claim.minus is not None or claim.across is not None or not claim.over.startswith("every seed"):
        return f"- **Needs several runs**: {about}; `./scratch reproduce` makes them. *{claim.because}*"
    try:
        verdict = claim.verdict({"": ({0: history}, None)})
    except (ValueError, KeyError, TypeError):
        return f"- **Not measured** in this run: {about}. *{claim.because}*"
    judged = "Fails" if verdict.violations else "Holds"
    return f"- **{judged}**: {about} is {verdict.measured}, claimed {verdict.limit}. *{claim.because}*"


class Catalogue:
    """The runs under some folders, newest first.

    Args:
        places: A chapter's name and its outputs, for each.
    """

    def __init__(self, places: list[tuple[str, Path]]) -> None:
        self._places = places
        self._read: dict[Path, tuple[int, Entry]] = {}

    def entries(self) -> list[Entry]:
        """All runs; only what has changed since the last call is read again."""
        found = [
            self._entry(chapter, outputs, folder) for chapter, outputs in self._places for folder in _runs(outputs)
        ]
        return sorted(found, key=lambda entry: (entry.started, entry.run_id), reverse=True)

    def _entry(self, chapter: str, outputs: Path, folder: Path) -> Entry:
        try:
            changed = (folder / "metrics.json").stat().st_mtime_ns
        except OSError:
            changed = -1
        known = self._read.get(folder)
        if known is None or known[0] != changed:
            known = self._read[folder] = (changed, _read(chapter, outputs, folder.name))
        return known[1]


def _held(lock: Path) -> bool:
    """Whether a process holds a run's lock, as far as this system can tell."""
    if os.name != "posix":
        return True
    import fcntl

    try:
        with lock.open(encoding="utf-8") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # freed as the file is closed
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _runs(outputs: Path) -> list[Path]:
    try:
        return [path for path in (outputs / "models").iterdir() if path.is_dir()]
    except OSError:
        return []


def _read(chapter: str, outputs: Path, run_id: str) -> Entry:
    try:
        summary = read_summary(outputs, run_id)
    except _STRANGE:
        summary = {}
    return Entry(outputs, run_id, str(summary.get("chapter") or chapter), summary)


def chosen_by(entries: list[Entry], words: str, chapter: str, status: str) -> list[Entry]:
    """The entries that have all of `words` in their names, and are of a chapter and a status where these are given."""
    wanted = words.lower().split()
    return [
        entry
        for entry in entries
        if chapter in ("", entry.chapter)
        and status in ("", entry.status)
        and all(word in f"{entry.run_id} {entry.chapter}".lower() for word in wanted)
    ]
