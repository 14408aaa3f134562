"""Which runs an experiment's claims need."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.claims.claim import Claim
from experiment.reproduce.digests import judgement, short_hash
from utils.schema import validate


@dataclass(frozen=True)
class Wanted:
    """One run: of which experiment, with which settings on top, and its seed."""

    chapter: str
    experiment: str
    settings: str
    """In JSON, so that two can be told to be the same."""
    seed: int

    def asked(self) -> dict[str, Any]:
        """As the chapter's server reads it."""
        return {"experiment": self.experiment, "settings": json.loads(self.settings), "seed": self.seed}

    def __str__(self) -> str:
        settings = "".join(f" {key}={value}" for key, value in json.loads(self.settings).items())
        return f"{self.chapter}/{self.experiment}{settings} seed {self.seed}"


@dataclass(frozen=True)
class Plan:
    """One experiment: its config, and the runs behind its claims.

    Attributes:
        chapter: The chapter's name.
        name: The experiment's.
        config: The whole composed config, as plain data.
        seeds: On which it is run.
    """

    chapter: str
    name: str
    config: Mapping[str, Any]
    seeds: tuple[int, ...]

    @property
    def title(self) -> str:
        """`01_perceptron/xor`."""
        return f"{self.chapter}/{self.name}"

    @cached_property
    def claims(self) -> tuple[Claim, ...]:
        """What it asserts."""
        return tuple(validate(Claim, raw, f"a claim of {self.title}") for raw in self.config["claims"])

    def runs(self, settings: Mapping[str, Any] | None = None) -> list[Wanted]:
        """The experiment's own runs, one for each seed."""
        return _runs(self.chapter, self.name, settings or {}, self.seeds)

    def sides(self, claim: Claim) -> dict[str, tuple[list[Wanted], list[Wanted] | None]]:
        """For each label of the claim's `across` its runs, and those that its `minus` names."""
        found: dict[str, tuple[list[Wanted], list[Wanted] | None]] = {}
        for label, settings in claim.variants().items():
            theirs = None
            if claim.minus is not None:
                *chapter, name = (claim.minus.experiment or self.name).split("/")
                other = {**settings, **(claim.minus.settings or {})}
                theirs = _runs(chapter[0] if chapter else self.chapter, name, other, self.seeds)
            found[label] = self.runs(settings), theirs
        return found

    def all_runs(self) -> list[Wanted]:
        """Every run that is needed, each once."""
        sides = [side for claim in self.claims for pair in self.sides(claim).values() for side in pair if side]
        return list(dict.fromkeys([*self.runs(), *(run for side in sides for run in side)]))

    def digest(self, digests: Mapping[Wanted, str]) -> str:
        """The digest of all that decides the experiment's results."""
        said = [json.dumps(self.config[key], sort_keys=True) for key in ("claims", "successor")]
        return short_hash([judgement(), *said, *(digests[run] for run in self.all_runs())])


def _runs(chapter: str, experiment: str, settings: Mapping[str, Any], seeds: Sequence[int]) -> list[Wanted]:
    text = json.dumps(settings, sort_keys=True)
    return [Wanted(chapter, experiment, text, seed) for seed in seeds]
