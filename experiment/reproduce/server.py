"""The chapter's side of `scratch reproduce`: its train.py, answering questions and training run after run.

One JSON object a line comes in on stdin and one goes out on stdout for each; what the trainings print goes to stderr.
Many runs share a process, because loading torch takes longer than many a run; each starts from its own seed.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiment.compose import compose_experiment, experiment_names
from experiment.reproduce.digests import digest_of, versions
from experiment.training import train
from utils.errors import Interrupted, ScratchError
from utils.files import write_atomic
from utils.schema import validate

if TYPE_CHECKING:
    from engine.config import ExperimentConfig
    from engine.runs.run import Run
    from engine.trainer import Trainer
    from utils.schema import Strict

# One thread, because sums depend on how many there are; no trackers, because the record is all that is read.
FIXED = ("hardware.threads=1", "tracking.wandb.enabled=false", "tracking.tensorboard=false")


class Server:
    """Answers for one chapter.

    Args:
        chapter: The chapter's folder.
        model_config: The schema of its model section.
        main: Of its train.py, which prepares the trainer of a run.
    """

    def __init__(self, chapter: Path, model_config: "type[Strict]", main: "Callable[[Run], Trainer]") -> None:
        self.chapter, self.model_config, self.main = chapter, model_config, main
        self.outputs = chapter / "outputs"
        self._composed: dict[tuple[str, int | None], ExperimentConfig[Any]] = {}

    def serve(self) -> None:
        """Answer until stdin ends."""
        answers = sys.stdout
        with contextlib.redirect_stdout(sys.stderr):
            for line in sys.stdin:
                try:
                    answer = self._answer(json.loads(line))
                except Interrupted:
                    raise
                except ScratchError as error:
                    answer = {"error": str(error), "exit_code": error.exit_code}
                print(json.dumps(answer), file=answers, flush=True)

    def _answer(self, question: dict[str, Any]) -> Any:
        match question["ask"]:
            case "experiments":
                names = question["experiments"] or experiment_names(self.chapter)
                named = {name: self._experiment(name).model_dump(mode="json") for name in names}
                return {"configs": named, "versions": versions()}
            case "digests":
                made_with = question["versions"] or versions()
                configs = [self._config(run).model_dump(mode="json") for run in question["runs"]]
                return {"digests": [digest_of(config, self.chapter, made_with) for config in configs]}
            case "train":
                return self._train(question["run"], question["digest"])
        raise AssertionError(question)

    def _experiment(self, name: str, seed: int | None = None) -> "ExperimentConfig[Any]":
        """The experiment as its file has it, or with another seed, which other settings may refer to."""
        if (name, seed) not in self._composed:
            overrides = FIXED if seed is None else (*FIXED, f"seed={seed}")
            self._composed[name, seed] = compose_experiment(self.chapter, name, overrides, self.model_config)
        return self._composed[name, seed]

    def _config(self, run: dict[str, Any]) -> "ExperimentConfig[Any]":
        """The config of a run: the experiment's, with the run's settings and its seed."""
        config = self._experiment(run["experiment"], run["seed"])
        raw = config.model_dump(mode="json")
        for setting, value in run["settings"].items():
            *parents, key = setting.split(".")
            section = raw
            for parent in parents:
                if not isinstance(section.get(parent), dict):
                    section[parent] = {}  # for the schema to complain about
                section = section[parent]
            section[key] = value
        changed = ", ".join(f"{key}={value}" for key, value in run["settings"].items())
        return validate(type(config), raw, f"config of {run['experiment']}{f' with {changed}' if changed else ''}")

    def _train(self, wanted: dict[str, Any], digest: str) -> dict[str, Any]:
        """Train one run, evaluate its last weights on the test split, and remember under its digest where it is."""
        from engine.runs.run import Run, read_summary

        started = time.monotonic()
        run = Run(self.chapter, self._config(wanted), self.outputs)
        train(self.main(run))
        summary = read_summary(self.outputs, run.run_id)
        test = self._test(run) if run.config.data.model_dump().get("test") else {}
        found = {
            "run_id": run.run_id,
            "data": summary["data"],
            "test": test,
            "seconds": round(time.monotonic() - started, 2),
        }
        write_atomic(self.outputs / "reproduced" / f"{digest}.json", json.dumps(found) + "\n")
        return found

    def _test(self, run: "Run") -> dict[str, float]:
        """`test/...` of the last weights, by the evaluate.py beside the train.py that this process is."""
        from engine.evaluation.checkpoint import CheckpointEvaluation

        weights = str(run.folders.models / "model_last.pt")
        evaluation = CheckpointEvaluation.of(self.chapter, run.config, self.outputs, weights, "test", ())
        import_module("evaluate").main(evaluation)
        written = json.loads(
            (run.folders.models / f"evaluation-{run.config.experiment}.json").read_text(encoding="utf-8")
        )
        return {f"{written['split']}/{metric}": value for metric, value in written["metrics"].items()}
