"""The band of an experiment: between which curves its seeds ran, and whether another run is one of them.

With five seeds, a sixth leaves their minimum and maximum at a given step one time in three, so the bare band would
call every run odd. How far a sound run strays is measured instead: each seed is held against the band of the others,
and the tolerance is twice the largest excursion found, at least one band's width. Excursions are counted in units of the
band's width there, but of no less than a twentieth of the height of the whole curve, or curves that agree exactly
would allow nothing. Curves of positive numbers that span more than a factor of 50 are held against each other by
their logarithms.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, NamedTuple

from engine.claims import Record, Records

FEWEST_SEEDS = 3
_POINTS = 60  # kept of a curve
_LOG_FROM = 50.0
_LEAST_UNIT = 0.05  # of the height of the curve
_NEIGHBOURS = 2  # stretches on each side that the width of the band is taken over

Curve = dict[int, float]  # step to value


class Departure(NamedTuple):
    """A curve outside its band."""

    metric: str
    step: int
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        where = f"leaves the band at step {self.step:,}"
        return f"{self.metric} {where}: {self.value:.4g} against {self.low:.4g} to {self.high:.4g}"


@dataclass(frozen=True)
class Band:
    """What the seeds of an experiment did with one metric.

    Attributes:
        tolerance: How far beyond the minimum and the maximum a run may be, in units (see the module).
    """

    steps: list[int]
    """Where each stretch of the curve ends; the three below are over all that was recorded in a stretch."""
    low: list[float]
    middle: list[float]
    high: list[float]
    logarithmic: bool
    tolerance: float

    @classmethod
    def of(cls, curves: Sequence[Curve]) -> "Band":
        """The band of the seeds' curves, over the steps that all of them have."""
        steps = _thinned(sorted(set.intersection(*(set(curve) for curve in curves))))
        values = [value for curve in curves for value in curve.values()]
        logarithmic = min(values) > 0 and max(values) > _LOG_FROM * min(values)
        strayed = 0.0
        for number, curve in enumerate(curves):
            others = cls._bare(steps, [*curves[:number], *curves[number + 1 :]], logarithmic)
            strayed = max(strayed, others._excursion(curve))
        return replace(cls._bare(steps, curves, logarithmic), tolerance=max(1.0, 2 * strayed))

    @classmethod
    def _bare(cls, steps: list[int], curves: Sequence[Curve], logarithmic: bool) -> "Band":
        stretches: list[list[float]] = [[] for _ in steps]
        for curve in curves:
            for step, value in curve.items():
                if step <= steps[-1]:
                    stretches[bisect_left(steps, step)].append(value)
        low, middle, high = ([choose(stretch) for stretch in stretches] for choose in (min, median, max))
        return cls(steps, low, middle, high, logarithmic, 0.0)

    def limits(self) -> tuple[list[float], list[float]]:
        """The lowest and the highest value that a run of the experiment may have, in each stretch."""
        low, high = self._ends()
        below = [value - self.tolerance * unit for value, unit in zip(low, self._units(), strict=True)]
        above = [value + self.tolerance * unit for value, unit in zip(high, self._units(), strict=True)]
        return ([math.exp(v) for v in below], [math.exp(v) for v in above]) if self.logarithmic else (below, above)

    def departure(self, metric: str, curve: Curve) -> Departure | None:
        """Where `curve` first leaves the band; None where it stays inside."""
        low, high = self.limits()
        for step, value in sorted(curve.items()):
            at = bisect_left(self.steps, step)
            if at < len(self.steps) and not low[at] <= value <= high[at]:
                return Departure(metric, step, value, low[at], high[at])
        return None

    def _excursion(self, curve: Curve) -> float:
        """How far `curve` gets outside the minimum and the maximum, in units."""
        low, high = self._ends()
        units = self._units()
        furthest = 0.0
        for step, value in curve.items():
            at = bisect_left(self.steps, step)
            if at < len(units):
                scaled = self._scaled(value)
                furthest = max(furthest, (low[at] - scaled) / units[at], (scaled - high[at]) / units[at])
        return furthest

    def _units(self) -> list[float]:
        low, high = self._ends()
        size = max(abs(value) for value in (*low, *high))
        least = _LEAST_UNIT * (max(high) - min(low)) or _LEAST_UNIT**2 * size or _LEAST_UNIT
        widths = [above - below for below, above in zip(low, high, strict=True)]
        return [max(least, *widths[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS + 1]) for at in range(len(widths))]

    def _ends(self) -> tuple[list[float], list[float]]:
        return [self._scaled(value) for value in self.low], [self._scaled(value) for value in self.high]

    def _scaled(self, value: float) -> float:
        return math.log(value) if self.logarithmic else value


def bands(records: Records, monitored: str | None) -> dict[str, Band]:
    """The bands of an experiment's runs: training loss, gradient norm and the monitored metric, where recorded.

    Args:
        records: Seed to the rows of that seed's `metrics.jsonl`.
        monitored: The metric that decides which checkpoint is the best.
    """
    if len(records) < FEWEST_SEEDS:
        return {}
    loss = "train/loss" if all("train/loss" in curves_of(rows) for rows in records.values()) else "batch/loss"
    found = {}
    for metric in dict.fromkeys([loss, "optimizer/gradient_norm", *([monitored] if monitored else [])]):
        curves = [curves_of(rows).get(metric, {}) for rows in records.values()]
        if all(curves) and set.intersection(*(set(curve) for curve in curves)):
            found[metric] = Band.of(curves)
    return found


def curves_of(rows: Record) -> dict[str, Curve]:
    """Metric to curve, of all that one run recorded."""
    found: dict[str, Curve] = {}
    for row in rows:
        for metric, value in row.items():
            if "/" in metric and value is not None:
                found.setdefault(metric, {})[row["step"]] = float(value)
    return found


def departures(known: Mapping[str, Band], rows: Record) -> Iterator[Departure]:
    """Where a run leaves the bands of its experiment: the first step of each metric that does."""
    curves = curves_of(rows)
    for metric, band in known.items():
        if metric in curves and (found := band.departure(metric, curves[metric])):
            yield found


def read_bands(content: Mapping[str, Mapping[str, Any]]) -> dict[str, Band]:
    """The bands that `asdict` wrote."""
    return {metric: Band(**band) for metric, band in content.items()}


def _thinned(steps: list[int]) -> list[int]:
    """At most `_POINTS` of `steps`, closer to each other at the start, where curves move most; the last in any case."""
    if len(steps) <= _POINTS:
        return steps
    ratio = (len(steps) - 1) ** (1 / (_POINTS - 1))
    places = sorted({round(ratio**power) for power in range(_POINTS)} | {0})
    even = {round(at * (len(steps) - 1) / (_POINTS // 2)) for at in range(_POINTS // 2 + 1)}
    return [steps[at] for at in sorted({*places[::2], *even})]
