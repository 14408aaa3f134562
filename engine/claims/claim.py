"""What an experiment says it can and cannot do, and whether the record of its runs bears it out."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field, model_validator

from engine.claims.verdict import BoundCheck, Verdict
from utils.schema import Strict

Record = Sequence[dict[str, Any]]  # the rows of one run's metrics.jsonl
Records = Mapping[int, Record]  # seed to the record of its run

Where = Literal[
    "every seed, every epoch",
    "every seed, last epoch",
    "every seed, best epoch",
    "every seed, spread over the second half",  # largest minus smallest: whether a run has come to rest
    "mean over seeds, last epoch",
    "best seed, last epoch",
]

Scalar = bool | int | float | str | None
Setting = Scalar | tuple[Scalar, ...]


class Minus(Strict):
    """Another run, whose values are taken away from this one's: another experiment, other settings, or both."""

    experiment: str | None = Field(default=None, pattern=r"^(\d+_\w+/)?\w[\w.-]*$")
    """`xor` of this chapter, or `01_perceptron/xor`; null is the experiment itself."""
    settings: dict[str, Setting] | None = None
    """Dotted settings that the other run has otherwise (`{model.init: zeros}`)."""

    @model_validator(mode="after")
    def _is_another_run(self) -> "Minus":
        if self.experiment is None and not self.settings:
            raise ValueError("minus needs an experiment, settings, or both")
        return self


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
    between: tuple[float, float] | None = None
    because: str = Field(min_length=10)
    minus: Minus | None = None
    """The claim is about the metric less that of another run, on the same seeds."""
    across: dict[str, tuple[Setting, ...]] | None = None
    """One setting of the config and the values to run it with (`{data.truth_table: [0, 1, 2]}`); the claim is then made
    for each value."""
    exactly: int | None = Field(default=None, ge=0)
    """Of how many of those values the claim holds; without it, of all."""

    @model_validator(mode="after")
    def _has_a_bound(self) -> "Claim":
        bounds = (self.at_least, self.at_most, self.above)
        if self.between is None and all(bound is None for bound in bounds):
            raise ValueError("a claim needs at_least, at_most, above or between")
        if self.between is not None and (any(bound is not None for bound in bounds) or "best" in self.over):
            raise ValueError("between stands alone, and is not about the best: which way is better would be open")
        if self.between is not None and self.between[0] > self.between[1]:
            raise ValueError("between takes the lower limit first")
        if self.minus is not None and any(isinstance(bound, str) for bound in bounds):
            raise ValueError("a difference is held against a number, not against a metric of one of the runs")
        return self

    @model_validator(mode="after")
    def _counts_what_it_sweeps(self) -> "Claim":
        if self.exactly is not None and self.across is None:
            raise ValueError("exactly counts the values of a setting: it needs across")
        if self.across is not None and (len(self.across) != 1 or not all(self.across.values())):
            raise ValueError("across takes one setting and at least one value")
        return self

    def violations(self, records: Records, against: Records | None = None) -> list[str]:
        """Where the claim fails for one value of its settings, one line each; empty if it holds.

        Args:
            records: Seed to the rows of that seed's `metrics.jsonl`.
            against: The same of the run that `minus` names.
        """
        return [str(case) for case in self.cases(records, against) if not case.holds]

    def cases(self, records: Records, against: Records | None = None) -> list[BoundCheck]:
        """Everything that is held against a limit; arguments as of `violations`."""
        low, high = self.between or (None, None)
        bounds = [("at least", self.at_least), ("at most", self.at_most), ("above", self.above)]
        bounds += [("at least", low), ("at most", high)]
        rows = self._rows(records)
        if self.minus is not None:
            assert against is not None, "a claim with `minus` needs the records of the other run"
            rows = self._less(rows, self._rows(against))
        return [
            BoundCheck(where, self.metric, row[self.metric], relation, row[bound] if isinstance(bound, str) else bound)
            for where, row in rows
            for relation, bound in bounds
            if bound is not None
        ]

    def verdict(self, runs: Mapping[str, tuple[Records, Records | None]]) -> Verdict:
        """Whether the claim holds, and what was measured.

        Args:
            runs: For each label of `across` ("" where the claim has none) the arguments of `cases`.
        """
        found = {label: self.cases(*records) for label, records in runs.items()}
        if self.exactly is not None:
            held = [label for label, cases in found.items() if all(case.holds for case in cases)]
            said = f"holds for {len(held)} of {len(found)} ({', '.join(held)}), claimed exactly {self.exactly}"
            wrong = [] if len(held) == self.exactly else [said]
            return Verdict(f"{len(held)} of {len(found)}", f"exactly {self.exactly}", wrong)
        cases = [case._replace(where=f"{label} {case.where}".strip()) for label, some in found.items() for case in some]
        tightest = min(cases, key=lambda case: case.slack)
        measured, limit = f"{tightest.value:.4g}", f"{tightest.relation} {tightest.limit:.4g}"
        if self.between is not None:
            values = [case.value for case in cases]
            measured = f"{min(values):.4g} to {max(values):.4g}"
            limit = f"between {self.between[0]:.4g} and {self.between[1]:.4g}"
        return Verdict(measured, limit, [str(case) for case in cases if not case.holds])

    def variants(self) -> dict[str, dict[str, Setting]]:
        """Label to settings: one for each value of `across`, or one without a label and without settings."""
        if self.across is None:
            return {"": {}}
        ((setting, values),) = self.across.items()
        return {f"{setting}={json.dumps(value).strip(chr(34))}": {setting: value} for value in values}

    def _rows(self, records: Records) -> list[tuple[str, dict[str, Any]]]:
        """The rows that the claim speaks of, each with a label for the message."""
        by_seed = {seed: [row for row in rows if self.metric in row] for seed, rows in records.items()}
        for seed, rows in by_seed.items():
            if not rows:
                raise ValueError(f"seed {seed} has no record of {self.metric}")
        choose = min if self.at_most is not None else max  # of several, the one nearest to the bound
        if self.over == "every seed, every epoch":
            return [(f"seed {s}, step {row['step']}", row) for s, rows in by_seed.items() for row in rows]
        if self.over == "every seed, best epoch":
            return [(f"seed {s}", choose(rows, key=lambda row: row[self.metric])) for s, rows in by_seed.items()]
        if self.over == "every seed, spread over the second half":
            return [
                (f"seed {s}, spread", {self.metric: self._spread(rows[len(rows) // 2 :])})
                for s, rows in by_seed.items()
            ]
        last = {seed: rows[-1] for seed, rows in by_seed.items()}
        if self.over == "every seed, last epoch":
            return [(f"seed {seed}", row) for seed, row in last.items()]
        if self.over == "best seed, last epoch":
            return [(f"best of {len(last)} seeds", choose(last.values(), key=lambda row: row[self.metric]))]
        mean = sum(row[self.metric] for row in last.values()) / len(last)
        return [(f"mean over {len(last)} seeds", {self.metric: mean})]

    def _less(self, ours: list[tuple[str, Any]], theirs: list[tuple[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
        """The differences of the metric, row by row; a moment that only one of the runs has is left out."""
        other = dict(theirs)
        found = [
            (where, {self.metric: row[self.metric] - other[where][self.metric]})
            for where, row in ours
            if where in other
        ]
        if not found:
            raise ValueError(f"the two runs have no moment in common at which {self.metric} was recorded")
        return found

    def _spread(self, rows: Record) -> float:
        values = [row[self.metric] for row in rows]
        return float(max(values) - min(values)) if all(map(math.isfinite, values)) else math.nan
