"""What the log says before a training starts, so that it reads as a lab record."""

import json
import logging

from engine.config import ExperimentConfig
from engine.device.world import launch_hint
from engine.loop.learner import Learner
from engine.loop.plan import Plan
from engine.runs.run import Run
from engine.runs.text_log import describe_model

log = logging.getLogger(__name__)

_MOST_READ = 10_000
"""Steps of the learning rate that are looked at: enough for its range, and soon done."""


def run_header(run: Run, learner: Learner, step: int) -> None:
    """Log what is about to be trained, on what, and from where; `step` is the number of steps taken before."""
    config, plan = run.config, learner.plan
    log.info("run %s: %s", run.run_id, config.goal)
    log.info("%s, on %s", describe_model(learner.model), learner.hardware.describe())
    if learner.world.size > 1:
        log.info("%d processes, %s", learner.world.size, config.hardware.strategy)
    elif (hint := launch_hint(config.hardware)) is not None:
        log.info("%s", hint)
    where = f"going on at step {step} of" if step else "training for"
    log.info("%s %d steps of %d examples of %d", where, plan.total, plan.examples_per_step, learner.batches.n)
    log.info("%s", "; ".join([_epoch(plan, len(learner.batches)), *_learning_rates(config, learner)]))
    if (expected := expected_time(run, plan.total - step)) is not None:
        log.info("%s", expected)
    if run.options.load_checkpoint is not None and not step:
        log.info("starting from the weights of %s", run.options.load_checkpoint)


def expected_time(run: Run, steps: int) -> str | None:
    """How long `steps` steps should take, scaled from the experiment's runs in the chapter's results.json.

    Returns:
        None where the experiment has no results yet; a damaged file counts as none.
    """
    try:
        content = json.loads((run.chapter / "results.json").read_text(encoding="utf-8"))
        result = content[run.config.experiment]
        seconds, of_steps, machine = float(result["run_seconds"]), int(result["run_steps"]), result["machine"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if of_steps < 1:
        return None
    return f"expected time: about {seconds / of_steps * steps:.1f} s ({of_steps} steps took {seconds:g} s on {machine})"


def _epoch(plan: Plan, n_batches: int) -> str:
    passes = f" of {plan.accumulate} batches ({n_batches} in all)" if plan.accumulate > 1 else ""
    return f"steps in an epoch: {plan.steps_per_epoch}{passes}"


def _learning_rates(config: ExperimentConfig, learner: Learner) -> list[str]:
    """The range of each optimizer's learning rate over the run."""
    total = learner.plan.total
    factors = [learner.lr(step) for step in range(0, total, max(1, total // _MOST_READ))]
    factors.append(learner.lr(total - 1))
    lowest, highest = min(factors), max(factors)
    named = {"": config.optimizer} if config.optimizer is not None else config.optimizers
    lines = []
    for name, optimizer in named.items():
        of = f" of {name}" if name else ""
        rates = f"{optimizer.lr * lowest:.3g}" + (f" to {optimizer.lr * highest:.3g}" if lowest < highest else "")
        lines.append(f"learning rate{of}: {rates}")
    return lines
