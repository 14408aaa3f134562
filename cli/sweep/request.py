"""What was asked for on the command line of `scratch sweep`; standard library only."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cli.sweep.space import parse
from utils.errors import InputError
from utils.files import write_atomic

METRIC = "validation/accuracy"


@dataclass(frozen=True)
class Request:
    """A sweep over the settings of one experiment.

    Attributes:
        chapter: The chapter's folder.
        arguments: What varies and what is fixed, as typed.
        metric: What is looked at, a name in `metrics.jsonl`; "" is not given.
        mode: `max`, `min`, or "" to tell by the metric's name.
        trials: Trainings in all, those before a resume included.
        jobs: Trainings at a time.
        resume: Go on with the sweep of that name.
    """

    chapter: str
    experiment: str
    name: str
    arguments: tuple[str, ...]
    metric: str
    mode: str
    trials: int
    jobs: int
    prune: bool
    wandb: bool
    resume: bool

    @classmethod
    def read(cls, text: str) -> "Request":
        """The request that `json.dumps(asdict(request))` wrote."""
        content = json.loads(text)
        return cls(**{**content, "arguments": tuple(content["arguments"])})

    @property
    def folder(self) -> Path:
        """Where the sweep leaves everything."""
        return Path(self.chapter) / "outputs" / "sweeps" / self.name

    def settled(self) -> "Request":
        """With all that was not given filled in: from the sweep that is resumed, or by default.

        Raises:
            InputError: A new sweep has a name that is taken, or one to resume is not there or was another one.
        """
        saved = self._saved()
        if saved is None and self.resume:
            raise InputError(f"there is no sweep {self.folder} to resume; leave out --resume to start it")
        if saved is not None and not self.resume:
            raise InputError(f"there is a sweep {self.folder} already: go on with --resume, or choose another --name")
        if saved is not None:
            mine = self._identity()
            different = [key for key, value in mine.items() if value and value != saved[key]]
            if different:
                what = "; ".join(f"{key} is {_text(saved[key])}, not {_text(mine[key])}" for key in different)
                raise InputError(f"sweep {self.name} was started otherwise: {what}; choose another --name")
            return replace(self, **{**saved, "arguments": tuple(saved["arguments"])})
        metric = self.metric or METRIC
        guessed = "min" if metric.endswith(("loss", "error")) else "max"
        parse(self.arguments)
        return replace(self, metric=metric, mode=self.mode or guessed)

    def save(self) -> None:
        """Write what a resume must not change to `sweep.json`."""
        write_atomic(self.folder / "sweep.json", json.dumps(self._identity(), indent=2) + "\n")

    def to_json(self) -> str:
        """For `read`."""
        return json.dumps(asdict(self))

    def _saved(self) -> dict[str, Any] | None:
        path = self.folder / "sweep.json"
        if not path.exists():
            return None
        try:
            saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return {key: saved[key] for key in self._identity()}
        except (OSError, ValueError, KeyError):
            raise InputError(f"{path} cannot be read; choose another --name") from None

    def _identity(self) -> dict[str, Any]:
        return {
            "experiment": self.experiment,
            "arguments": list(self.arguments),
            "metric": self.metric,
            "mode": self.mode,
        }


def _text(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)
