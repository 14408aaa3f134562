"""What came of a claim: values held against limits."""

import math
from typing import NamedTuple


class BoundCheck(NamedTuple):
    """One value held against one limit."""

    where: str
    metric: str
    value: float
    relation: str
    limit: float

    @property
    def slack(self) -> float:
        """How far the value is on the right side of the limit; negative where it is on the wrong one."""
        if not math.isfinite(self.value):
            return -math.inf
        return self.limit - self.value if self.relation == "at most" else self.value - self.limit

    @property
    def holds(self) -> bool:
        """`above` is strict, the others are not; a value that is not finite satisfies nothing."""
        return self.slack > 0 if self.relation == "above" else self.slack >= 0

    def __str__(self) -> str:
        said = f"{self.where}: {self.metric} is {self.value:.6g}, claimed {self.relation} {self.limit:.6g}"
        return f"{said}, off by {abs(self.slack):.3g}"


class Verdict(NamedTuple):
    """What came of a claim."""

    measured: str
    """The value nearest to its limit, or furthest beyond it; or the count that the claim is about."""
    limit: str
    violations: list[str]
    """Where it fails, one line each; empty if it holds."""
