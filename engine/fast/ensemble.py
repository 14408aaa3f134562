"""Several seeds in one process (`train.py --seeds 0-7`): replicas of a small model that train together."""

import logging
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from copy import deepcopy

import torch

from data_utils.splits import TensorSplit
from engine.fast.functional_step import why_not_functional, why_not_pure
from engine.fast.stack import Stack
from engine.loop.compile import first_line
from engine.loop.learner import Learner
from engine.loop.stepper import StepOutputs
from engine.loop.stopping import StopSignals
from engine.runs.text_log import only_in
from engine.tracking import Trackers, wanted_trackers
from engine.tracking.backfill import rebuild
from engine.trainer import Trainer
from utils.errors import Interrupted, RunError, ScratchError
from utils.seeds import random_state

log = logging.getLogger(__name__)

_CLOSE = 1e-3  # relative, between what a replica reports in the stack and alone


def train_together(trainers: Iterable[Trainer]) -> None:
    """Train the runs of several seeds: together where the model allows it, otherwise one after the other.

    Each has its own folders, record, checkpoints and end, as if it had trained alone. Trackers are told of a run when
    it is over.

    Args:
        trainers: Made as they are asked for: where models cannot be stacked, one is trained before the next is made.

    Raises:
        RunError: Some runs failed; the others have finished.
        Interrupted: A signal came; all runs have a checkpoint.
    """
    ensemble = Ensemble()
    for trainer in trainers:
        ensemble.add(trainer)
    ensemble.train()


class Ensemble:
    """The work of `train_together`."""

    def __init__(self) -> None:
        self._trainers: list[Trainer] = []
        self._one_by_one, self._same_examples = False, True
        self._sessions: dict[int, ExitStack] = {}
        self._ended: dict[int, ScratchError] = {}  # by seed, of those that did not end well

    def add(self, trainer: Trainer) -> None:
        """One more run; it is trained at once where the first one showed that the model cannot be stacked."""
        if not self._trainers and not self._one_by_one:
            reason = why_not_functional(trainer.config, trainer.learner)
            if reason is None:
                (batch,) = next(trainer.learner.steps_from(0))
                reason = why_not_pure(trainer.learner.model, batch)
            self._one_by_one = _refused(reason)
        if self._one_by_one:
            self._alone(trainer)
        else:
            self._trainers.append(trainer)
            self._same_examples &= _share_data(self._trainers[0].learner, trainer)

    def train(self) -> None:
        """Train what has not been trained, and tell of the runs that failed."""
        if self._trainers:
            try:
                reason = None if self._same_examples else "they do not train on the same examples"
                if reason is None:
                    stack = Stack(self._trainers)
                    reason = _disagreement(stack)
            except Exception as error:  # what can be stacked is torch's to say, in many ways
                reason = first_line(error)
            if _refused(reason):
                for trainer in self._trainers:
                    self._alone(trainer)
            else:
                self._together(stack)
        if self._ended:
            seed, first = next(iter(self._ended.items()))
            others = f" (and {len(self._ended) - 1} more, see above)" if len(self._ended) > 1 else ""
            raise RunError(f"seed {seed}: {first}{others}") from first

    def _alone(self, trainer: Trainer) -> None:
        log.info("seed %d", trainer.config.seed)
        try:
            if trainer.config.trainer.compile == "steps":
                from engine.fast.multi_step import compile_steps  # loads the compiler, which takes as long as torch

                compile_steps(trainer)
            trainer.train()
        except Interrupted:
            raise
        except RunError as error:
            self._note(trainer, error)

    def _together(self, stack: Stack) -> None:
        signals = StopSignals()
        seeds = tuple(trainer.config.seed for trainer in stack.trainers)
        log.info("training %d seeds together", len(seeds))
        with signals:
            try:
                for number, trainer in enumerate(stack.trainers):
                    trainer.stop.signals = signals
                    trainer.trackers, trainer.run.seeds_together = Trackers([]), seeds
                    with only_in(trainer.run.folders.logs):
                        self._sessions[number] = ExitStack()
                        self._sessions[number].enter_context(trainer.session())
                        trainer.begin()
                self._train(stack)
            except BaseException:
                for begun in self._sessions.values():  # the error of the first is the one to tell
                    with suppress(BaseException):
                        begun.__exit__(*sys.exc_info())
                raise
        self._tell_of_signals(stack)

    def _train(self, stack: Stack) -> None:
        """Take the steps; the replicas hear of them when something is due for all of them."""
        first, plan, lr = stack.trainers[0], stack.learner.plan, stack.learner.lr
        stepper, steps, step = stack.stepper(), stack.steps(), 0
        taken: StepOutputs = []
        while self._sessions:
            due = plan.until_due(step)
            some = stepper(steps, step)
            taken += some
            step += len(some)
            if len(some) < due and first.stop.signals.received is None and not first.timer.save_is_due:
                continue
            accounts = stack.accounts(taken, lr(step - 1))
            taken = []
            for number in list(self._sessions):
                trainer = stack.trainers[number]
                with only_in(trainer.run.folders.logs):
                    # where it left its generators: no step draws, an evaluation may
                    trainer.learner.seed(trainer.position, trainer.config.seed)
                    self._account(number, trainer, accounts[number])
                    trainer.position.random = [random_state()]

    def _account(self, number: int, trainer: Trainer, taken: StepOutputs) -> None:
        """Let one replica account for its steps, and close its run if that was all or if it failed."""
        try:
            with self._sessions.pop(number) as session:
                trainer.after_steps(taken)
                if not trainer.is_over:
                    self._sessions[number] = session.pop_all()
                    return
        except ScratchError as error:
            self._note(trainer, error)
        if trainer.stop.signals.received is None:
            _show(trainer)

    def _note(self, trainer: Trainer, error: ScratchError) -> None:
        self._ended[trainer.config.seed] = error
        if not isinstance(error, Interrupted):
            log.info("seed %d ended: %s; the others go on", trainer.config.seed, error)

    def _tell_of_signals(self, stack: Stack) -> None:
        stopped = {seed: error for seed, error in self._ended.items() if isinstance(error, Interrupted)}
        if stopped:
            error = next(iter(stopped.values()))
            runs = [trainer.run.run_id for trainer in stack.trainers if trainer.config.seed in stopped]
            raise Interrupted(error.exit_code - 128, f"{error}; each run is resumed by itself: {', '.join(runs)}")


def _refused(reason: str | None) -> bool:
    if reason is not None:
        log.info("the seeds cannot train together: %s; training one after the other", reason)
    return reason is not None


def _share_data(first: Learner, trainer: Trainer) -> bool:
    """Keep one copy of the examples; returns whether they are the same."""
    other = trainer.learner
    ours, theirs = first.batches.data, other.batches.data
    assert isinstance(ours, TensorSplit) and isinstance(theirs, TensorSplit)
    same = torch.equal(ours.inputs, theirs.inputs) and torch.equal(ours.targets, theirs.targets)
    if same:
        other.batches.data = ours
        if first.splits.fingerprint == other.splits.fingerprint and trainer.config.trainer.overfit_batches is None:
            other.splits = first.splits
    return same


def _disagreement(stack: Stack) -> str | None:
    """What a replica reports otherwise in the stack than alone, for the first batch; None where all agree."""
    (batch,) = next(stack.steps())
    _, together, _ = stack.train_step.look(batch)
    for number, trainer in enumerate(stack.trainers):
        model, own = deepcopy(trainer.learner.model), tuple(part[number] for part in batch)
        for name, value in model.training_step(own).items():  # type: ignore[operator]
            if not torch.allclose(value, together[name][number], rtol=_CLOSE, atol=_CLOSE, equal_nan=True):
                return f"the {name} of seed {trainer.config.seed} comes out differently"
    return None


def _show(trainer: Trainer) -> None:
    """Tell the trackers of a run that is over; none of them can spoil it."""
    for name in wanted_trackers(trainer.config.tracking):
        try:
            for line in rebuild(trainer.run.outputs, trainer.run.run_id, name, {}):
                log.info("%s", line)
        except ScratchError as error:
            log.info("%s", error)
