"""Successor links: what one experiment fails at, a later one passes, on the same data and the same seeds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LOWER_IS_BETTER = ("loss", "error", "mistakes")

Results = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Chapter to experiment to its entry in `results.json`."""


@dataclass(frozen=True)
class Link:
    """One arrow of the map, and whether the results bear it out.

    Attributes:
        here: `01_perceptron/xor`.
        there: `03_mlp/xor`.
        state: `holds`, `fails`, or `later` where the other chapter has no results yet.
        why: The two means, or what is wrong.
    """

    here: str
    there: str
    state: str
    why: str


def links(results: Results) -> list[Link]:
    """Every link that an experiment with results has, in the order of the chapters."""
    return [
        _link(f"{chapter}/{name}", entry, results)
        for chapter, experiments in sorted(results.items())
        for name, entry in sorted(experiments.items())
        if entry["successor"] is not None
    ]


def _link(here: str, entry: Mapping[str, Any], results: Results) -> Link:
    wanted = entry["successor"]
    there: str = wanted["experiment"]
    chapter, name = there.split("/")
    if chapter not in results:
        return Link(here, there, "later", f"{chapter} has no results yet")
    if name not in results[chapter]:
        return Link(here, there, "fails", f"{chapter} has no experiment {name}")
    other = results[chapter][name]
    for what in ("data", "seeds"):
        if entry[what] != other[what]:
            return Link(here, there, "fails", f"not the same {what}: {entry[what]} and {other[what]}")
    metric = wanted["metric"] or entry["metrics"][0]
    missing = [title for title, each in ((here, entry), (there, other)) if metric not in each["figures"]]
    if missing:
        return Link(here, there, "fails", f"{missing[0]} did not record {metric}")
    failing = [title for title, each in ((here, entry), (there, other)) if not all(c["holds"] for c in each["claims"])]
    if failing:
        return Link(here, there, "fails", f"a claim of {failing[0]} does not hold")
    return _compared(here, there, metric, wanted["at_least"], entry["figures"], other["figures"])


def _compared(
    here: str, there: str, metric: str, at_least: float | None, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Link:
    before, after = ours[metric]["mean"], theirs[metric]["mean"]
    better = before - after if metric.endswith(LOWER_IS_BETTER) else after - before
    enough = better > 0 if at_least is None else better >= at_least
    bar = "" if at_least is None else f", at least {at_least:g} apart"
    return Link(here, there, "holds" if enough else "fails", f"{metric} {before:.4g} and {after:.4g}{bar}")
