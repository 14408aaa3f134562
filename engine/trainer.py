"""The training loop, in the order in which things happen."""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from data_utils.batches import Batch, Batches
from data_utils.splits import Splits
from engine.checkpoint.content import results_of, seed_training, start
from engine.checkpoint.manager import CheckpointManager
from engine.device.fsdp import shard_model
from engine.device.hardware import Hardware
from engine.evaluation.evaluator import Evaluator
from engine.evaluation.measure import measure
from engine.evaluation.plots import draw_plots
from engine.loop.compile import compile_model
from engine.loop.consensus import StopAgreement
from engine.loop.distributed_step import build_shared_update
from engine.loop.ema import EMA
from engine.loop.metric_buffer import MetricBuffer
from engine.loop.monitor import MetricMonitor
from engine.loop.non_finite import explain_non_finite
from engine.loop.optimizers import Schedule, build_optimizers, schedule
from engine.loop.overfit import data_to_train_on
from engine.loop.plan import Plan
from engine.loop.signals import StopSignals
from engine.loop.step import GradientStep, ManualStep
from engine.loop.stepper import StepOutputs, Stepper, build_stepper
from engine.loop.throughput import Throughput
from engine.loop.timer import Timer
from engine.runs.environment import snapshot
from engine.runs.metrics_log import MetricsLog, NullLog
from engine.runs.progress import Progress
from engine.runs.run import Run, status_of
from engine.runs.text_log import announce, report, write_text_log
from engine.tracking import Trackers, build_trackers
from utils.errors import InputError, Interrupted, RunError
from utils.seeds import derived_seed, seed_everything

log = logging.getLogger(__name__)


class Trainer:
    """Trains one model on one data set and leaves the run's files behind.

    A model is an `nn.Module` with `training_step(batch)` and `evaluation_step(batch)`; see engine/README.md. Build it
    after the trainer, which seeds every generator, so that its first weights too depend on the run's seed alone.
    """

    # parts
    model: nn.Module
    splits: Splits
    few: Tensor | None  # which examples of the training split these are, where only a few are trained on
    batches: Batches
    plan: Plan
    rate: Schedule
    optimizers: dict[str, torch.optim.Optimizer]
    update: GradientStep | ManualStep
    average: EMA | None
    pace: Stepper
    evaluator: Evaluator
    saver: CheckpointManager
    record: MetricsLog | NullLog
    progress: Progress
    # where the run stands
    step: int
    evaluated_at: int
    latest: dict[str, float]
    recorded_bytes: int
    random: dict[str, Any] | None
    label: str  # stands before its progress where several runs train together

    def __init__(self, run: Run) -> None:
        self.run, self.config, self.world = run, run.config, run.world
        self.hardware = Hardware(run.config.hardware, self.world.local_rank if self.world.size > 1 else None)
        self.trackers = build_trackers(run.config.tracking) if self.world.is_main else Trackers([])
        self.signals, self.clock = StopSignals(), Timer()
        self.consensus = StopAgreement(self.world, self.signals, self.clock)
        self.speed = Throughput(self.hardware.peak_flops, self.world)
        self.window = MetricBuffer(self.hardware.scaler.is_enabled(), self.world)
        self.best = MetricMonitor(run.config.trainer.monitor, run.config.trainer.early_stopping)
        self.step, self.evaluated_at, self.latest = 0, -1, {}
        self.recorded_bytes, self.random, self.label = 0, None, ""
        seed_everything(derived_seed(run.config.seed, "model"))

    def fit(self, model: nn.Module, splits: Splits, train: Dataset[Any] | None = None) -> None:
        """Train `model` for as long as the run's config says; on return the run is finished.

        Training batches come from `train` where it is given, such as augmented examples, instead of `splits.train`.
        Of several ranks all train, and rank 0 alone writes and speaks.

        Raises:
            InputError: The config, the data and the model do not fit together, or a checkpoint cannot be used.
            RunError: A value is not finite, or the outputs cannot be written.
            Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
        """
        self._assemble(model, splits, train)
        with self.run.lock(resumed=True):
            start(self)
            (self.run.options.instead or Trainer.train)(self)

    def train(self) -> None:
        """Train to the end, once `fit` has put the parts together."""
        with self.session(), closing(self.begin()) as steps:  # processes that read for it end before the last save
            while not self.is_over:
                self.account(self.pace(steps, self.step))

    @contextmanager
    def session(self) -> Iterator[None]:
        """Within this the run is open; on leaving it its last checkpoint, its plots and how it ended are written."""
        run, logs, main = self.run, self.run.folders.logs, self.world.is_main
        narrative = write_text_log(logs) if main else nullcontext()
        with run.lock(resumed=False), narrative, self.signals, explain_non_finite(self):
            run.open(snapshot(self.hardware.device, run.chapter) if main else {}, self.step)
            try:
                with MetricsLog(logs / "metrics.jsonl", self.recorded_bytes) if main else NullLog() as self.record:
                    announce(self)
                    with Progress(self.plan.total, self.step, main, self.label) as self.progress:
                        yield
                    self._finish()
            except BaseException as error:
                with suppress(RunError):  # a full disk may refuse this too; the first error is the one to tell
                    self._close(status_of(error))
                if isinstance(error, InputError) and self.step == 0:  # such as a monitor that nothing is called by
                    run.take_back()
                raise
            self._close("finished")
        if main:
            print(report(run.run_id, results_of(self)))

    # ---- the loop ----------------------------------------------------------------------------------------------

    def begin(self) -> Generator[list[Batch], None, None]:
        """Seed, start the clock and evaluate the first weights; returns the batches of each step from here on."""
        seed_training(self)
        self.clock.start()
        self._evaluate_if_due()
        return self.batches.steps(*self.plan.position(self.step), self.config.trainer.accumulate)

    @property
    def is_over(self) -> bool:
        """Whether there are no more steps to take."""
        return self.step >= self.plan.total or self.best.patience_is_over or self.consensus.stop is not None

    def account(self, taken: StepOutputs) -> None:
        """Note the steps that were `taken`, and do what is due after the last of them."""
        plan = self.plan
        for passes in taken:
            self.step += 1
            for examples, output in passes:
                self.window.add(self.step, examples, output)
        if plan.due(self.step, plan.log_every):
            self._log_window()
        self._evaluate_if_due()
        self.consensus.look()
        if not self.is_over and (plan.due(self.step, plan.checkpoint_every) or self.consensus.save):
            self._save(self.saver.last)
            self.clock.saved()

    def _log_window(self) -> None:
        examples, items = self.window.seen()
        row = self.window.flush()
        if self.optimizers:
            row["optimizer/lr"] = next(iter(self.optimizers.values())).param_groups[0]["lr"]
        self._write(row | self.speed.rates(examples, items, self.clock.lap()))

    def _evaluate_if_due(self) -> None:
        """Evaluate after this step if that is due and was not done; a signal puts it off until the run is resumed."""
        if self.evaluated_at == self.step or not self.plan.due(self.step, self.plan.evaluate_every):
            return
        self.consensus.hurry()
        try:
            measured = measure(self, self.splits, self.consensus.look_while_evaluating)
        except Interrupted:
            return
        finally:
            self.consensus.hurry()
        self.evaluated_at, self.latest = self.step, measured
        if measured:
            self._write(measured)
        if self.step == 0:  # untrained weights are never the best
            self.best.check(measured)
        elif self.best.update(measured, self.step):
            self._save(self.saver.best)

    def _write(self, row: dict[str, float]) -> None:
        epoch = self.step / self.plan.steps_per_epoch
        row = {"step": self.step, "epoch": round(epoch, 6), "seconds": round(self.clock.seconds, 6), **row}
        self.record.append(row)
        self.trackers.log([row])
        self.progress.update(self.step, row)
        log.debug("%s", "  ".join(f"{name} {value:.6g}" for name, value in row.items()))

    # ---- before and after ------------------------------------------------------------------------------------------

    def _assemble(self, model: nn.Module, splits: Splits, train: Dataset[Any] | None) -> None:
        """Put the parts together; nothing is written yet, so a mistake leaves nothing behind."""
        config, device, world = self.config.trainer, self.hardware.device, self.world
        self.splits, data, self.few = data_to_train_on(splits, train, self.config)
        self.model, share = model.to(device).train(), (world.rank, world.size)
        shard_model(model, self.config, world)
        self.batches = Batches(data, config.batch_size, self.config.seed, device, config.workers, *share)
        self.plan = Plan.of(config, len(self.batches))
        self.rate = schedule(self.config.scheduler, self.plan.total, self.plan.steps)
        compile_model(model, config.compile, world)
        self.optimizers = build_optimizers(self.config, model)
        self.update = build_shared_update(self.config, model, self.optimizers, self.hardware, world)
        self.average = EMA(model, config.ema_decay) if config.ema_decay else None
        self.pace = build_stepper(self)
        self.evaluator = Evaluator(self.hardware, config.metrics, config.batch_size, splits.n_classes, world)
        self.saver = CheckpointManager(self)
        self.clock.save_every(config.checkpoint.minutes)
        for name in config.evaluate_on:
            self.splits.split(name)

    def _save(self, write: Callable[[], None]) -> None:
        self.window.refuse_non_finite()  # weights that a bad loss has spoiled never replace good ones
        if self.run.options.save_checkpoint:
            write()
        self.consensus.hurry()

    def _finish(self) -> None:
        run, stopped = self.run, self.consensus.stop is not None
        if not stopped and any(self.world.gather(self.window.examples)):  # early stopping came between two log lines
            self._log_window()
        self._save(self.saver.last if stopped else self.saver.final)
        self.saver.wait()
        self.consensus.raise_if_stopped(run.how_to_go_on(self.step))
        log.info("trained %d steps in %.1f s", self.step, self.clock.seconds)
        with self.averaged():
            draw_plots(self)
        if run.options.save_checkpoint and self.world.is_main:
            self.trackers.checkpoint(run.folders.files_to_keep(), ["latest", run.run_id], results_of(self))
            log.info("saved %s", run.folders.models)

    def _close(self, status: str) -> None:
        try:
            self.run.note(status, results_of(self))
        finally:  # last, since it may wait for a while
            self.trackers.finish(status)

    def averaged(self) -> AbstractContextManager[None]:
        """Within this, the model has the weights to use it with."""
        return self.average.applied() if self.average else nullcontext()
