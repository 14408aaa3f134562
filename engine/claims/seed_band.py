"""The band of an experiment: between which curves its seeds ran, and whether another run is one of them.

With five seeds, a sixth leaves their minimum and maximum at a given step one time in three, so the bare band would
call every run odd. It is widened to where 99 of 100 further runs lie if the seeds are normally distributed: Student's
interval for one more observation, in units of the band's own width, because minimum and maximum are what is stored.
The unit is the largest width nearby, and at least a twentieth of the height of the whole curve, or seeds that happen
to agree would allow nothing. Curves of positive numbers that span more than a factor of 50 are held against each
other by their logarithms.

Where a loss starts is the seed's doing, how it falls from there is the learning rate's: so the loss is also held as
a multiple of its first value.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from engine.claims.claim import Record, Records

FEWEST_SEEDS = 3
RELATIVE = "{} relative to its start"

# By the number of seeds n: (t(n-1, 0.995) sqrt(1 + 1/n) - d/2) / d, with d the mean range of n normal draws in standard
# deviations (Tippett 1925). With more than ten it stays as with ten.
_WIDENED = {3: 6.3, 4: 2.7, 5: 1.7, 6: 1.2, 7: 0.97, 8: 0.80, 9: 0.69, 10: 0.61}
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
        steps: Where each stretch of the curve ends; low, middle and high are over all that was recorded in a stretch.
        tolerance: How far beyond the minimum and the maximum a run may be, in units (see the module).
    """

    steps: list[int]
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
        stretches: list[list[float]] = [[] for _ in steps]
        for curve in curves:
            for step, value in curve.items():
                if step <= steps[-1]:
                    stretches[bisect_left(steps, step)].append(value)
        low, middle, high = ([choose(stretch) for stretch in stretches] for choose in (min, median, max))
        return cls(steps, low, middle, high, logarithmic, _WIDENED[min(len(curves), max(_WIDENED))])

    def limits(self) -> tuple[list[float], list[float]]:
        """The lowest and the highest value that a run of the experiment may have, in each stretch."""
        low, high = self._ends()
        below = [value - self.tolerance * unit for value, unit in zip(low, self._units(), strict=True)]
        above = [value + self.tolerance * unit for value, unit in zip(high, self._units(), strict=True)]
        if self.logarithmic:
            return [math.exp(value) for value in below], [math.exp(value) for value in above]
        least = 0.0 if min(low) >= 0 else -math.inf  # what is never below 0 will not be
        return [max(value, least) for value in below], above

    def departure(self, metric: str, curve: Curve) -> Departure | None:
        """Where `curve` first leaves the band; None where it stays inside."""
        low, high = self.limits()
        for step, value in sorted(curve.items()):
            at = bisect_left(self.steps, step)
            if at < len(self.steps) and not low[at] <= value <= high[at]:
                return Departure(metric, step, value, low[at], high[at])
        return None

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
    for metric in dict.fromkeys([loss, RELATIVE.format(loss), "optimizer/gradient_norm", monitored]):
        curves = [curves_of(rows).get(metric or "", {}) for rows in records.values()]
        if metric and all(curves) and set.intersection(*(set(curve) for curve in curves)):
            found[metric] = Band.of(curves)
    return found


def curves_of(rows: Record) -> dict[str, Curve]:
    """Metric to curve, of all that one run recorded; a loss that starts above 0 also relative to its start."""
    found: dict[str, Curve] = {}
    for row in rows:
        for metric, value in row.items():
            if "/" in metric and value is not None:
                found.setdefault(metric, {})[row["step"]] = float(value)
    for metric in ("train/loss", "batch/loss"):
        curve = found.get(metric, {})
        if curve and (start := curve[min(curve)]) > 0:
            found[RELATIVE.format(metric)] = {step: value / start for step, value in curve.items()}
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
