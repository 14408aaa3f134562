"""What an experiment says it can and cannot do, and whether the record of its runs bears it out."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from utils.schema import Strict

Record = Sequence[dict[str, Any]]  # the rows of one run's metrics.jsonl

Where = Literal[
    "every seed, every epoch",
    "every seed, last epoch",
    "every seed, best epoch",
    "every seed, spread over the second half",  # largest minus smallest: whether a run has come to rest
    "mean over seeds, last epoch",
]

Value = bool | int | float | str
Setting = Value | tuple[Value, ...]  # such as the sizes of several layers


class Claim(Strict):
    """One assertion about a metric.

    A bound is a number, or the name of another metric of the same row (`at_most: model/mistake_bound`).
    `above` is strict, the others are not.
    """

    kind: Literal["theorem", "bound", "measured", "order", "cost"]
    metric: str
    over: Where
    """Which rows of which runs it is about (not `on`, which YAML reads as true)."""
    at_least: float | str | None = None
    at_most: float | str | None = None
    above: float | str | None = None
    because: str = Field(min_length=10)
    across: dict[str, tuple[Setting, ...]] | None = None
    """One setting of the config and the values to run it with (`{data.truth_table: [0, 1, 2]}`); the claim is then made
    for each value, and checked by `violations_across`."""
    exactly: int | None = Field(default=None, ge=0)
    """Of how many of those values the claim holds; without it, of all."""

    @model_validator(mode="after")
    def _has_a_bound(self) -> "Claim":
        if self.at_least is None and self.at_most is None and self.above is None:
            raise ValueError("a claim needs at_least, at_most or above")
        return self

    @model_validator(mode="after")
    def _counts_what_it_sweeps(self) -> "Claim":
        if self.exactly is not None and self.across is None:
            raise ValueError("exactly counts the values of a setting: it needs across")
        if self.across is not None and (len(self.across) != 1 or not all(self.across.values())):
            raise ValueError("across takes one setting and at least one value")
        return self

    def violations(self, records: dict[int, Record]) -> list[str]:
        """Where the claim fails, one line each; empty if it holds.

        Args:
            records: Seed to the rows of that seed's `metrics.jsonl`.
        """
        found: list[str] = []
        for label, row in self._rows(records):
            value = row[self.metric]
            for relation, bound in (("at least", self.at_least), ("at most", self.at_most), ("above", self.above)):
                if bound is None:
                    continue
                limit = row[bound] if isinstance(bound, str) else bound
                if not _holds(relation, value, limit):
                    found.append(f"{label}: {self.metric} is {value:.6g}, claimed {relation} {limit:.6g}")
        return found

    def violations_across(self, records: dict[Setting, dict[int, Record]]) -> list[str]:
        """Where a claim with `across` fails, one line each; empty if it holds.

        Args:
            records: Value of the setting to what `violations` takes.
        """
        assert self.across is not None, "a claim without `across` is checked by `violations`"
        (setting,) = self.across
        found = {value: self.violations(by_seed) for value, by_seed in records.items()}
        if self.exactly is None:
            return [f"{setting}={value}, {line}" for value, lines in found.items() for line in lines]
        held = [value for value, lines in found.items() if not lines]
        if len(held) == self.exactly:
            return []
        which = ", ".join(str(value) for value in held)
        return [f"holds for {len(held)} of {len(found)} values of {setting} ({which}), claimed exactly {self.exactly}"]

    def _rows(self, records: dict[int, Record]) -> list[tuple[str, dict[str, Any]]]:
        """The rows that the claim speaks of, each with a label for the message."""
        by_seed = {seed: [row for row in rows if self.metric in row] for seed, rows in records.items()}
        for seed, rows in by_seed.items():
            if not rows:
                raise ValueError(f"seed {seed} has no record of {self.metric}")
        if self.over == "every seed, every epoch":
            return [(f"seed {s}, step {row['step']}", row) for s, rows in by_seed.items() for row in rows]
        if self.over == "every seed, best epoch":
            least = self.at_most is not None
            choose = min if least else max
            return [(f"seed {s}", choose(rows, key=lambda row: row[self.metric])) for s, rows in by_seed.items()]
        if self.over == "every seed, spread over the second half":
            return [
                (f"seed {s}, spread", {self.metric: self._spread(rows[len(rows) // 2 :])})
                for s, rows in by_seed.items()
            ]
        last = {seed: rows[-1] for seed, rows in by_seed.items()}
        if self.over == "every seed, last epoch":
            return [(f"seed {seed}", row) for seed, row in last.items()]
        mean = sum(row[self.metric] for row in last.values()) / len(last)
        return [(f"mean over {len(last)} seeds", {self.metric: mean})]

    def _spread(self, rows: Record) -> float:
        values = [row[self.metric] for row in rows]
        return float(max(values) - min(values))


def _holds(relation: str, value: float, limit: float) -> bool:
    if not math.isfinite(value):
        return False
    return {"at least": value >= limit, "at most": value <= limit, "above": value > limit}[relation]
