"""The training loop, in the order in which things happen."""

import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from data_utils.batches import Batch
from data_utils.splits import Splits
from engine.checkpoint.manager import CheckpointManager
from engine.device.hardware import Hardware
from engine.evaluation.evaluator import Evaluator
from engine.evaluation.plots import draw_plots
from engine.loop.learner import Learner, Position
from engine.loop.metric_buffer import MetricBuffer
from engine.loop.monitor import MetricMonitor
from engine.loop.non_finite import NonFiniteFinder
from engine.loop.stepper import EagerStepper, StepOutputs, Stepper
from engine.loop.stopping import StopAgreement, StopSignals
from engine.loop.timer import Throughput, Timer
from engine.run_header import run_header
from engine.runs.environment import snapshot
from engine.runs.metrics_log import MetricsLog, NullLog
from engine.runs.progress import Progress
from engine.runs.run import Run, status_of
from engine.runs.text_log import report, write_text_log
from engine.summary import results
from engine.tracking import RunInfo, Trackers, build_trackers
from utils.errors import InputError, Interrupted, RunError
from utils.seeds import derived_seed, random_state, seed_everything

log = logging.getLogger(__name__)


class Trainer:
    """Trains one model on one data set and leaves the run's files behind.

    A model is an `nn.Module` with `training_step(batch)` and `evaluation_step(batch)`; see engine/README.md. Build it
    after the trainer, which seeds every generator, so that its first weights too depend on the run's seed alone.
    """

    # what is trained, where and for whom
    run: Run  # with its config and its ranks
    hardware: Hardware
    # what learns and measures; there from `prepare` on
    learner: Learner
    stepper: Stepper
    evaluator: Evaluator
    checkpoints: CheckpointManager
    # what is counted on the way
    position: Position
    timer: Timer
    throughput: Throughput
    metric_buffer: MetricBuffer
    monitor: MetricMonitor
    stop: StopAgreement
    # who is told
    trackers: Trackers
    metrics_log: MetricsLog | NullLog
    progress: Progress

    # ---- put together --------------------------------------------------------------------------------------------

    def __init__(self, run: Run) -> None:
        self.run, self.config, self.world = run, run.config, run.world
        self.hardware = Hardware(run.config.hardware, self.world.local_rank if self.world.size > 1 else None)
        self.trackers = build_trackers(run.config.tracking) if self.world.is_main else Trackers([])
        self.position = Position()
        self.timer = Timer()
        self.throughput = Throughput(self.hardware.peak_flops, self.world)
        self.metric_buffer = MetricBuffer(self.hardware.scaler.is_enabled(), self.world)
        self.monitor = MetricMonitor(run.config.trainer.monitor, run.config.trainer.early_stopping)
        self.stop = StopAgreement(self.world, StopSignals(), self.timer)
        seed_everything(derived_seed(run.config.seed, "model"))

    def prepare(self, model: nn.Module, splits: Splits, train: Dataset[Any] | None = None) -> "Trainer":
        """Put together what `model` is trained with, and read the checkpoint that it goes on from; writes nothing.

        Args:
            model: What to train.
            splits: What it learns from and is evaluated on.
            train: What batches come from instead of `splits.train`, such as augmented examples.

        Returns:
            This trainer: call `train()`, or hand it to `dry_run`, `find_lr`, `profile` or `train_together`.

        Raises:
            InputError: The config, the data and the model do not fit together, or a checkpoint cannot be used.
        """
        run, config = self.run, self.config.trainer
        self.learner = learner = Learner.of(self.config, model, splits, train, self.hardware, self.world)
        first = self.throughput.counted(learner.step) if config.compile != "model" else None  # or it would be compiled
        self.stepper = EagerStepper(learner, first)
        self.evaluator = Evaluator(self.hardware, config.metrics, config.batch_size, splits.n_classes, self.world)
        self.checkpoints = CheckpointManager.of(
            run, learner, self.position, self.timer, self.monitor, self.metric_buffer
        )
        self.timer.save_every(config.checkpoint.minutes)
        with ExitStack() as lock:
            lock.enter_context(run.lock(resumed=True))
            self.checkpoints.start(run, model)
            self._resume_lock = lock.pop_all()  # held until the session ends
        return self

    # ---- train ---------------------------------------------------------------------------------------------------

    def train(self) -> None:
        """Train for as long as the run's config says; of several ranks all train, and rank 0 writes and speaks.

        Raises:
            InputError: The monitored metric is not measured.
            RunError: A value is not finite, or the outputs cannot be written.
            Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
        """
        with self.session(), closing(self.begin()) as steps:  # processes that read for it end before the last save
            while not self.is_over:
                self.after_steps(self.stepper(steps, self.position.step))

    def begin(self) -> Generator[list[Batch], None, None]:
        """Seed, start the timer and evaluate the first weights; returns the batches of each step from here on."""
        self.learner.seed(self.position, self.config.seed)
        self.timer.start()
        self._evaluate_if_due()
        return self.learner.steps_from(self.position.step)

    @property
    def is_over(self) -> bool:
        """Whether there are no more steps to take."""
        return self.position.step >= self.learner.plan.total or self.monitor.patience_is_over or self.stop.is_agreed

    def after_steps(self, taken: StepOutputs) -> None:
        """Note the steps that were `taken`, and do what is due after the last of them."""
        plan, position = self.learner.plan, self.position
        for passes in taken:
            position.step += 1
            for examples, output in passes:
                self.metric_buffer.add(position.step, examples, output)
        if plan.due(position.step, plan.log_every):
            self._log_metrics()
        self._evaluate_if_due()
        self.stop.check()
        if not self.is_over and (plan.due(position.step, plan.checkpoint_every) or self.stop.save_is_due):
            self._save(self.checkpoints.save_last)
            self.timer.saved()

    # ---- what is due after a step: log, evaluate, save -----------------------------------------------------------

    def _log_metrics(self) -> None:
        examples, items = self.metric_buffer.seen()
        row = self.metric_buffer.flush()
        for optimizer in list(self.learner.optimizers.values())[:1]:
            row["optimizer/lr"] = optimizer.param_groups[0]["lr"]
        self._write(row | self.throughput.rates(examples, items, self.timer.lap()))

    def _write(self, metrics: dict[str, float]) -> None:
        step, epoch = self.position.step, self.position.step / self.learner.plan.steps_per_epoch
        row = {"step": step, "epoch": round(epoch, 6), "seconds": round(self.timer.seconds, 6), **metrics}
        self.metrics_log.append(row)
        self.trackers.log([row])
        self.progress.update(step, row)

    def _evaluate_if_due(self) -> None:
        """Evaluate after this step if that is due and was not done; a signal puts it off until the run is resumed."""
        position, learner, plan = self.position, self.learner, self.learner.plan
        if position.evaluated_at == position.step or not plan.due(position.step, plan.evaluate_every):
            return
        self.stop.check_next()
        try:
            names, check = self.config.trainer.evaluate_on, self.stop.check_while_evaluating
            metrics = self.evaluator.evaluate_splits(learner, learner.splits, names, check)
        except Interrupted:
            return
        finally:
            self.stop.check_next()
        position.evaluated_at, position.latest = position.step, metrics
        if metrics:
            self._write(metrics)
        if position.step == 0:  # untrained weights are never the best
            self.monitor.check(metrics)
        elif self.monitor.update(metrics, position.step):
            self._save(self.checkpoints.save_best)

    def _save(self, write: Callable[[], None]) -> None:
        self.metric_buffer.refuse_non_finite()  # weights that a bad loss has spoiled never replace good ones
        if self.run.options.save_checkpoint:
            self.note_position()
            write()
        self.stop.check_next()

    def note_position(self) -> None:
        """Bring up to date what a checkpoint says of the record and of the generators."""
        self.position.recorded_bytes = self.metrics_log.sync()
        self.position.random = self.world.gather(random_state())

    # ---- open and close ------------------------------------------------------------------------------------------

    @contextmanager
    def session(self) -> Iterator[None]:
        """Within this the run is open; on leaving it its last checkpoint, its plots and how it ended are written."""
        run, logs, main, signals = self.run, self.run.folders.logs, self.world.is_main, self.stop.signals
        step, recorded = self.position.step, self.position.recorded_bytes
        newest, stopped = self.checkpoints.newest, lambda: signals.received is not None
        finder = NonFiniteFinder(self.learner, self.position, self.config.seed, newest, stopped)
        text_log = write_text_log(logs) if main else nullcontext()
        with self._resume_lock, run.lock(resumed=False), text_log, signals, finder:
            run.open(snapshot(self.hardware.device, run.chapter) if main else {}, step)
            try:
                with MetricsLog(logs / "metrics.jsonl", recorded) if main else NullLog() as self.metrics_log:
                    run_header(run, self.learner, step)
                    self.trackers.start(RunInfo.of(run, step, recorded))
                    with Progress(self.learner.plan.total, step, main, run.label) as self.progress:
                        yield
                    self._finish()
            except BaseException as error:
                with suppress(RunError):  # a full disk may refuse this too; the first error is the one to tell
                    self._close(status_of(error))
                if isinstance(error, InputError) and self.position.step == 0:  # such as a monitor that is not measured
                    run.take_back()
                raise
            self._close("finished")
        if main:
            print(report(run.run_id, self._results()))

    def _finish(self) -> None:
        run, learner, checkpoints = self.run, self.learner, self.checkpoints
        stopped = self.stop.is_agreed
        if not stopped and any(self.world.gather(self.metric_buffer.examples)):  # early stopping came between two lines
            self._log_metrics()
        self._save(checkpoints.save_last if stopped else checkpoints.save_final)
        checkpoints.wait()
        self.stop.raise_if_stopped(run.how_to_go_on(self.position.step))
        log.info("trained %d steps in %.1f s", self.position.step, self.timer.seconds)
        with learner.averaged():
            pictures = draw_plots(run, learner.model, learner.splits, self.evaluator, self.world)
        self.trackers.figures(pictures, self.position.step)
        if run.options.save_checkpoint and self.world.is_main:
            self.trackers.checkpoint(run.folders.files_to_keep(), ["latest", run.run_id], self._results())
            log.info("saved %s", run.folders.models)

    def _close(self, status: str) -> None:
        try:
            self.run.note(status, self._results())
        finally:  # last, since it may wait for a while
            self.trackers.finish(status)

    def _results(self) -> dict[str, Any]:
        return results(self.learner, self.position, self.timer, self.monitor)
