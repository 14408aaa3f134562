"""Runs a sweep: Optuna chooses the settings, processes train, and a journal on disk remembers everything."""

import itertools
import math
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from cli.sweep.request import Request
from cli.sweep.results import REPLACES, conclude, without_lost
from cli.sweep.safety import mend, noted_signals
from cli.sweep.space import Dimension, parse
from cli.sweep.training import Training, Values, end_orphans, finished, share_of_cores
from utils.errors import InputError, Interrupted
from utils.files import cannot_write
from utils.locks import ProcessLock

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_STOP = 30.0  # a training asked to stop writes a checkpoint first
_REFUSALS = 20  # and no other end, whatever the values were: a mistake in the settings that all trials share
# A trial is compared with others from its third evaluation on, once there are five to compare it with.
_TRIALS_BEFORE_PRUNING, _EVALUATIONS_BEFORE_PRUNING = 5, 2


def run(request: Request) -> None:
    """Run the sweep to its end, then print and draw what came out.

    Raises:
        InputError: The settings do not fit the experiment, or the sweep is being run by another process.
        RunError: Not one trial was finished.
        Interrupted: SIGINT or SIGTERM came; `--resume` goes on.
    """
    request = request.settled()
    with ProcessLock(request.folder / ".lock", f"the sweep in {request.folder}"), noted_signals() as received:
        sweep = _Sweep(request)
        try:
            sweep.run(received)
        except InputError:
            sweep.stop()
            if not request.resume and sweep.came_to_nothing():
                shutil.rmtree(request.folder)  # a mistake on the command line must not take the name
            raise
        finally:
            sweep.stop()
        if received:
            raise Interrupted(received[0], f"stopped after {sweep.ended()} trials; go on with --resume")
        conclude(request, sweep.study.get_trials(deepcopy=False), sweep.dimensions)


class _Sweep:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.dimensions, self.fixed = parse(request.arguments)
        self.space = {dimension.key: _distribution(dimension) for dimension in self.dimensions}
        self.running: dict[int, tuple[optuna.Trial, Training, Values]] = {}
        self.trials = request.trials
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        journal = request.folder / "journal.log"
        mend(journal)
        self.study = optuna.create_study(
            storage=optuna.storages.JournalStorage(JournalFileBackend(str(journal))),
            study_name=request.name,
            direction="maximize" if request.mode == "max" else "minimize",
            load_if_exists=True,
            pruner=optuna.pruners.MedianPruner(_TRIALS_BEFORE_PRUNING, _EVALUATIONS_BEFORE_PRUNING),
        )
        # Other draws after a resume than before it.
        self.study.sampler = optuna.samplers.TPESampler(seed=len(self.study.get_trials(deepcopy=False)))
        request.save()

    def run(self, received: list[int]) -> None:
        """Train until there are as many trials as were asked for, or a signal was `received`."""
        self._take_up_what_was_lost()
        self._list_a_small_grid()
        while not received:
            for number in list(self.running):
                self._look_at(number)
            self._refuse_a_mistake(_REFUSALS)
            while len(self.running) < self.request.jobs and self.begun() < self.trials:
                self._start()
            if not self.running:
                return self._refuse_a_mistake(1)
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def stop(self) -> None:
        """End what still runs."""
        deadline = time.monotonic() + _SECONDS_TO_STOP
        for _, training, _ in self.running.values():
            training.end()
        for _, training, _ in self.running.values():
            training.kill_after(deadline)

    def begun(self) -> int:
        """Trials that were started, without those that were lost with a sweep that was killed."""
        return sum(trial.state != TrialState.WAITING for trial in self._counted())

    def ended(self) -> int:
        """Trials that came to an end."""
        return len(self._ended())

    def came_to_nothing(self) -> bool:
        """Whether `train.py` refused the settings of all trials that ended."""
        return all(trial.user_attrs.get("refused") for trial in self._ended())

    def _ended(self) -> list[FrozenTrial]:
        return [trial for trial in self._counted() if trial.state.is_finished()]

    def _all(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _counted(self) -> list[FrozenTrial]:
        return without_lost(self._all())

    def _folder(self, number: int) -> Path:
        return self.request.folder / "trials" / f"{number:04d}"

    def _start(self) -> None:
        trial = self.study.ask(self.space)
        chosen = [f"{key}={value}" for key, value in trial.params.items()]
        flags = [] if self.request.wandb else ["--no-wandb"]
        script = Path(self.request.chapter) / "src/train.py"
        settings = [*self.fixed, *chosen]
        arguments = ["--experiment", self.request.experiment, *flags, *settings]
        folder = self._folder(trial.number)
        try:
            training = Training(script, arguments, folder, share_of_cores(self.request.jobs, settings))
        except OSError as error:
            raise cannot_write(folder, error) from error
        self.running[trial.number] = trial, training, Values(folder, self.request.metric)

    def _look_at(self, number: int) -> None:
        trial, training, values = self.running[number]
        code = training.exit_code()  # before the record is read, so that nothing of it is missed
        new = values.update()
        for number_of_evaluation, value in enumerate(new, start=len(values.known) - len(new) + 1):
            if math.isfinite(value):
                trial.report(value, number_of_evaluation)
        if code is None:
            if self.request.prune and not training.was_ended and values.known and trial.should_prune():
                training.end()
            return
        del self.running[number]
        self._tell(trial, training, values, code)

    def _tell(self, trial: optuna.Trial, training: Training, values: Values, code: int) -> None:
        best = values.best(self.request.mode)
        settings = "  ".join(f"{key}={_short(value)}" for key, value in trial.params.items())
        if code == 0 and not values.known:
            known = ", ".join(sorted(values.metrics))
            raise InputError(f"trial {trial.number} recorded no {self.request.metric}; recorded are: {known}")
        if code == 0 and best is not None:
            self.study.tell(trial, best)
            verdict = f"{self.request.metric} {best:.4g}"
        elif training.was_ended:
            self.study.tell(trial, state=TrialState.PRUNED)
            verdict = f"pruned at evaluation {len(values.known)}"
        else:
            why = f"{self.request.metric} was never finite" if code == 0 else training.why()
            trial.set_user_attr("why", why)
            trial.set_user_attr("refused", code == 2)
            self.study.tell(trial, state=TrialState.FAIL)
            verdict = f"failed: {why}"
        print(f"trial {trial.number}  {settings}  {verdict}", file=sys.stderr)

    def _refuse_a_mistake(self, trials: int) -> None:
        """Raise what the first trial was refused for, if so many have ended and all were refused."""
        if self.ended() >= trials and self.came_to_nothing():
            first = self._ended()[0]
            raise InputError(f"trial {first.number}: {first.user_attrs['why']}")

    def _take_up_what_was_lost(self) -> None:
        """Trials that were running when the sweep was killed: count those that finished, and put the others back.

        The lock of the sweep says for certain that nobody works on them, so no heartbeat has to run out first.
        """
        end_orphans(self.request.folder / "trials")
        counted = self._counted()
        for trial in self._all():
            if trial.state == TrialState.RUNNING:
                values = Values(self._folder(trial.number), self.request.metric)
                values.update()
                best = values.best(self.request.mode)
                if finished(values.folder) and best is not None:
                    self.study.tell(trial.number, best)
                else:
                    if trial in counted:  # else this very loop was cut short after the next line
                        self.study.enqueue_trial(_settings(trial), user_attrs={REPLACES: trial.number})
                    self.study.tell(trial.number, state=TrialState.FAIL)

    def _list_a_small_grid(self) -> None:
        """Where there are no more combinations than trials, each of them is tried, once."""
        if any(dimension.kind != "choice" for dimension in self.dimensions):
            return
        combinations = list(itertools.product(*(dimension.values for dimension in self.dimensions)))
        if len(combinations) > self.trials:
            return
        self.trials = len(combinations)
        taken = [_settings(trial) for trial in self._counted()]
        for values in combinations:
            chosen = dict(zip(self.space, values, strict=True))
            if chosen not in taken:
                self.study.enqueue_trial(chosen)


def _distribution(dimension: Dimension) -> BaseDistribution:
    values: Any = dimension.values
    if dimension.kind == "choice":
        return CategoricalDistribution(values)
    if dimension.kind == "int":
        return IntDistribution(*values)
    low, high = values
    return FloatDistribution(low, high, log=dimension.kind == "log")


def _settings(trial: FrozenTrial) -> dict[str, Any]:
    """Those that it was enqueued with, which are complete also where it was cut short, or else those drawn for it."""
    return trial.system_attrs.get("fixed_params") or trial.params


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
