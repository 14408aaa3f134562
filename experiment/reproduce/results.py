"""`results.json` and `bands.json` of a chapter: what its experiments came to."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

from engine.claims.claim import Claim, Record, Records
from engine.claims.seed_band import Band, bands
from engine.runs.metrics_log import read_rows
from experiment.reproduce.plan import Plan, Wanted
from utils.errors import InputError
from utils.files import write_atomic

RESULTS, BANDS = "results.json", "bands.json"
_SHORT = 110  # characters of an object that stays on one line


@dataclass(frozen=True)
class Finished:
    """A run that was trained, found again by its digest under the outputs of its chapter."""

    outputs: Path
    found: Mapping[str, Any]

    @classmethod
    def find(cls, outputs: Path, digest: str) -> "Finished | None":
        """The run with this digest; None where there is none, or it was deleted."""
        try:
            run = cls(outputs, json.loads((outputs / "reproduced" / f"{digest}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None
        return run if run.path.exists() else None

    @property
    def path(self) -> Path:
        """Its record."""
        return self.outputs / "logs" / str(self.found["run_id"]) / "metrics.jsonl"

    def record(self) -> Record:
        """Its rows; one more at the end has the metrics of the test split, where there is one."""
        rows = read_rows(self.path)
        return [*rows, {"step": rows[-1]["step"], **self.found["test"]}] if self.found["test"] else rows

    def environment(self) -> dict[str, Any]:
        """What it was made with."""
        path = self.outputs / "models" / str(self.found["run_id"]) / "environment.json"
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content


def conclude(
    plan: Plan, digest: str, runs: Mapping[Wanted, Finished], versions: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, Band]]:
    """The entry of an experiment in `results.json`, and its bands.

    Raises:
        InputError: A claim is about a metric that was not recorded.
    """
    records = {run: finished.record() for run, finished in runs.items()}

    def of(wanted: list[Wanted]) -> Records:
        return {run.seed: records[run] for run in wanted}

    claims: list[dict[str, Any]] = []
    variants: dict[str, dict[str, Any]] = {}
    for claim in plan.claims:
        sides = plan.sides(claim)
        try:
            verdict = claim.verdict(
                {label: (of(ours), of(less) if less else None) for label, (ours, less) in sides.items()}
            )
        except ValueError as error:
            raise InputError(f"{plan.title}, claim about {claim.metric}: {error}") from None
        said = {"kind": claim.kind, "says": describe(claim), "measured": verdict.measured, "limit": verdict.limit}
        claims.append({**said, "holds": not verdict.violations, "violations": verdict.violations})
        variants |= {label: figures(of(ours)) for label, (ours, _) in sides.items() if label}
    own = [runs[run] for run in plan.runs()]
    made_with = own[0].environment()
    hardware = made_with["hardware"]
    entry = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "digest": digest,
        "data": own[0].found["data"],
        "seeds": list(plan.seeds),
        "threads": 1,
        "seconds": round(sum(run.found["seconds"] for run in runs.values()), 1),
        "run_seconds": round(median(run.found["seconds"] for run in own), 1),
        "run_steps": median(records[run][-1]["step"] for run in plan.runs()),
        "versions": dict(versions),
        "machine": f"{made_with['platform'].split('-')[0]}, {hardware['cpu']}, {hardware['cores']} cores",
        "monitor": (plan.config["trainer"]["monitor"] or {}).get("metric"),
        "successor": plan.config["successor"],
        "metrics": _metrics(plan),
        "claims": claims,
        "figures": figures(of(plan.runs())),
        **({"variants": variants} if variants else {}),
    }
    return entry, bands(of(plan.runs()), entry["monitor"])


def figures(records: Records) -> dict[str, dict[str, Any]]:
    """For each metric its last value on each seed, their mean and their standard deviation."""
    last: dict[str, list[float]] = {}
    for rows in records.values():
        values = {name: value for row in rows for name, value in row.items() if "/" in name and "speed/" not in name}
        for name, value in values.items():
            last.setdefault(name, []).append(value)
    return {
        name: {
            "seeds": [_rounded(value) for value in values],
            "mean": _rounded(fmean(values)),
            "sd": _rounded(stdev(values)) if len(values) > 1 else None,
        }
        for name, values in sorted(last.items())
        if len(values) == len(records)
    }


def describe(claim: Claim) -> str:
    """What a claim is about, in a few words."""
    said = claim.metric
    if claim.minus is not None:
        other = claim.minus.experiment or "the same"
        settings = ", ".join(f"{key}={json.dumps(value)}" for key, value in (claim.minus.settings or {}).items())
        said = f"{said} less that of {other}{f' with {settings}' if settings else ''}"
    across = f", for each {next(iter(claim.across))}" if claim.across else ""
    return f"{said}; {claim.over}{across}"


def read(path: Path) -> dict[str, Any]:
    """A chapter's `results.json` or `bands.json`; empty where there is none yet.

    Raises:
        InputError: It is damaged.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}); delete it and reproduce the chapter") from None
    return content


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write it, experiments by name, lists of numbers on one line."""
    write_atomic(path, _json(dict(sorted(content.items()))) + "\n")


def written(band: Band) -> dict[str, Any]:
    """A band as plain data, with five digits."""
    return {
        key: [_rounded(each, 5) for each in value] if isinstance(value, list) else value
        for key, value in asdict(band).items()
    }


def failures(title: str, entry: Mapping[str, Any]) -> list[str]:
    """The claims of an experiment that do not hold, a line each, with the first place where."""
    return [
        f"{title}: {claim['violations'][0]}"
        + (f" (and {len(claim['violations']) - 1} more)" if claim["violations"][1:] else "")
        for claim in entry["claims"]
        if not claim["holds"]
    ]


def _metrics(plan: Plan) -> list[str]:
    """What the claims are about, then the metrics that serve as bounds."""
    bounds = [bound for claim in plan.claims for bound in (claim.at_least, claim.at_most, claim.above)]
    return list(
        dict.fromkeys([claim.metric for claim in plan.claims] + [bound for bound in bounds if isinstance(bound, str)])
    )


def _rounded(value: Any, digits: int = 6) -> Any:
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def _json(value: Any, indent: str = "") -> str:
    """JSON with long objects spread over lines, short ones and lists of numbers on one."""
    inner = indent + "  "
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) > 2 and len(line) <= _SHORT and "[[" not in line and line.count("{") <= 1:
        return line
    if isinstance(value, dict) and value:
        body = ",\n".join(f"{inner}{json.dumps(key)}: {_json(each, inner)}" for key, each in value.items())
        return f"{{\n{body}\n{indent}}}"
    if isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        return "[\n" + ",\n".join(f"{inner}{_json(each, inner)}" for each in value) + f"\n{indent}]"
    return line
