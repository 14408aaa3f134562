"""The training loop, in the order in which things happen."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.data import Dataset

from data_utils.batches import Batches, count
from data_utils.splits import Splits
from engine.average import WeightAverage
from engine.best import Best
from engine.checkpoints import load_weights
from engine.clock import Clock
from engine.consensus import Consensus
from engine.diagnosis import explain_non_finite
from engine.environment import snapshot
from engine.evaluator import Evaluator
from engine.few_batches import splits_to_train_on
from engine.hardware import Hardware
from engine.narrative import announce, report, write_narrative
from engine.optimizers import Schedule, build_optimizers, schedule
from engine.parallel import build_shared_update
from engine.plan import Plan
from engine.progress import Progress
from engine.record import NoRecord, Record
from engine.references import resolve_checkpoint
from engine.run import Run, status_of
from engine.saver import Saver
from engine.signals import StopSignals
from engine.speed import Speed
from engine.splitting import split_model, whole
from engine.state import restore_state, results_of, seed_training, trained_weights
from engine.tracking import Trackers, build_trackers
from engine.update import GradientStep, OwnStep
from engine.visualize import only_warned_about, visualize
from engine.window import Window
from utils.errors import Interrupted, RunError
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
    batches: Batches
    plan: Plan
    rate: Schedule
    optimizers: dict[str, torch.optim.Optimizer]
    update: GradientStep | OwnStep
    average: WeightAverage | None
    evaluator: Evaluator
    saver: Saver
    record: Record | NoRecord
    progress: Progress
    # where the run stands
    step: int
    evaluated_at: int
    latest: dict[str, float]
    recorded_bytes: int
    random: dict[str, Any] | None

    def __init__(self, run: Run) -> None:
        self.run, self.config, self.world = run, run.config, run.world
        self.hardware = Hardware(run.config.hardware, self.world.local_rank if self.world.size > 1 else None)
        self.trackers = build_trackers(run.config.tracking) if self.world.is_main else Trackers([])
        self.signals, self.clock = StopSignals(), Clock()
        self.consensus = Consensus(self.world, self.signals, self.clock)
        self.speed = Speed(self.hardware.peak_flops, self.world)
        self.window = Window(self.hardware.scaler.is_enabled(), self.world)
        self.best = Best(run.config.trainer.monitor, run.config.trainer.early_stopping)
        self.step, self.evaluated_at, self.latest = 0, -1, {}
        self.recorded_bytes, self.random = 0, None
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
        self._restore()
        run, logs, main = self.run, self.run.folders.logs, self.world.is_main
        if run.options.instead is not None:
            return run.options.instead(self)
        with run.lock(), write_narrative(logs) if main else nullcontext(), self.signals, explain_non_finite(self):
            run.open(snapshot(self.hardware.device, run.chapter) if main else {})
            try:
                with Record(logs / "metrics.jsonl", self.recorded_bytes) if main else NoRecord() as self.record:
                    announce(self)
                    self.trackers.start(run.info(resumed_at=self.step if run.options.resume else None))
                    with Progress(self.plan.total, self.step, main) as self.progress:
                        self._train()
                    self._finish()
            except BaseException as error:
                with suppress(RunError):  # a full disk may refuse this too; the first error is the one to tell
                    self._close(status_of(error))
                raise
            self._close("finished")
        if main:
            print(report(run.run_id, results_of(self)))

    # ---- the loop ----------------------------------------------------------------------------------------------

    def _train(self) -> None:
        plan, consensus = self.plan, self.consensus
        seed_training(self)
        self.clock.start()
        self._evaluate_if_due()
        steps = self.batches.steps(*plan.position(self.step), self.config.trainer.accumulate)
        update: Any = partial(self.speed.counted, self.update)  # the first step only
        while self.step < plan.total and not self.best.patience_is_over and consensus.stop is None:
            batches = next(steps)
            log_due = plan.due(self.step + 1, plan.log_every)
            outputs = update(batches, self.rate(self.step), want_norm=log_due)
            update = self.update
            for batch, output in zip(batches, outputs, strict=True):
                self.window.add(self.step + 1, count(batch), output)
            if self.average is not None:
                self.average.update(self.step)
            self.step += 1
            if log_due:
                self._log_window()
            self._evaluate_if_due()
            consensus.look()
            if plan.due(self.step, plan.checkpoint_every) or consensus.save:
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
        measured: dict[str, float] = {}
        heed_signals = partial(self.consensus.look_and_raise, "stopped while evaluating")
        self.consensus.hurry()
        try:
            with self._averaged():
                for name in self.config.trainer.evaluate_on:
                    found = self.evaluator.evaluate(self.model, self.splits.split(name), heed_signals)
                    measured |= {f"{name}/{metric}": value for metric, value in found.metrics.items()}
        except Interrupted:
            return
        if hasattr(self.model, "measures"):
            with whole(self.model):
                measures: dict[str, float] = self.model.measures()  # type: ignore[operator]
            measured |= {f"model/{name}": float(value) for name, value in measures.items()}
        measured = self.world.from_main(lambda: measured)  # what follows from it must be the same on all ranks
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
        config, device = self.config.trainer, self.hardware.device
        self.splits, self.model = splits_to_train_on(splits, self.config), model.to(device).train()
        split_model(model, self.config, self.world)
        data, world = self.splits.train if train is None else train, self.world
        self.batches = Batches(
            data, config.batch_size, self.config.seed, device, config.workers, world.rank, world.size
        )
        self.plan = Plan.of(config, len(self.batches))
        self.rate = schedule(self.config.scheduler, self.plan.total, self.plan.steps)
        self.optimizers = build_optimizers(self.config, model)
        self.update = build_shared_update(self.config, model, self.optimizers, self.hardware, world)
        self.average = WeightAverage(model, config.ema_decay) if config.ema_decay else None
        self.evaluator = Evaluator(self.hardware, config.metrics, config.batch_size, splits.n_classes, world)
        self.saver = Saver(self)
        self.clock.save_every(config.checkpoint.minutes)
        for name in config.evaluate_on:
            self.splits.split(name)

    def _restore(self) -> None:
        """Start from a checkpoint where one is named; a run that was stopped before its first one starts over."""
        run, reference = self.run, self.run.options.load_checkpoint
        if run.options.resume and (content := self.saver.newest()) is not None:
            restore_state(self, content)
        elif reference is not None:
            path = self.world.from_main(lambda: resolve_checkpoint(reference, run.outputs))
            load_weights(self.model, trained_weights(self.saver.read(path)), str(path))
            run.started_from = str(path.resolve())

    def _save(self, write: Callable[[], None]) -> None:
        self.window.refuse_non_finite()  # weights that a bad loss has spoiled never replace good ones
        if self.run.options.save_checkpoint:
            write()

    def _finish(self) -> None:
        run, stopped = self.run, self.consensus.stop is not None
        if not stopped and any(self.world.gather(self.window.examples)):  # early stopping came between two log lines
            self._log_window()
        self._save(self.saver.last if stopped else self.saver.final)
        self.saver.wait()
        self.consensus.raise_if_stopped(run.how_to_go_on(self.step))
        log.info("trained %d steps in %.1f s", self.step, self.clock.seconds)
        split = ("train", *self.config.trainer.evaluate_on)[-1]
        with self._averaged(), whole(self.model):
            plots, evaluator = run.options.plots if self.world.is_main else (), self.evaluator.alone()
            parts = run.folders, run.config, self.model, self.splits, split, evaluator
            pictures = visualize(plots, *parts, guard=partial(only_warned_about, run, split))
        for name, path in pictures.items():
            self.trackers.figure(name, path, self.step)
        if run.options.save_checkpoint and self.world.is_main:
            files = [path for path in sorted(run.folders.models.iterdir()) if path.suffix in (".pt", ".yaml")]
            self.trackers.checkpoint(files, ["latest", run.run_id], results_of(self))
            log.info("saved %s", run.folders.models)

    def _close(self, status: str) -> None:
        self.trackers.finish(status)
        self.run.note(status, results_of(self))

    def _averaged(self) -> AbstractContextManager[None]:
        """Within this, the model has the weights to use it with."""
        return self.average.applied() if self.average else nullcontext()
