"""A run's durations in steps: what is due when is a pure function of the step."""

from dataclasses import dataclass
from functools import partial

from engine.config import TrainerConfig
from engine.duration import Duration


@dataclass(frozen=True)
class Plan:
    """Every interval of a run in steps, for a training split of a known size."""

    total: int
    steps_per_epoch: int
    examples_per_step: int
    accumulate: int
    log_every: int
    evaluate_every: int
    checkpoint_every: int | None

    @classmethod
    def of(cls, config: TrainerConfig, batches_per_epoch: int) -> "Plan":
        """The plan for an epoch of `batches_per_epoch` batches."""
        steps_per_epoch = -(-batches_per_epoch // config.accumulate)
        examples_per_step = config.batch_size * config.accumulate
        steps = partial(Duration.steps, steps_per_epoch=steps_per_epoch, examples_per_step=examples_per_step)

        return cls(
            total=steps(config.duration),
            steps_per_epoch=steps_per_epoch,
            examples_per_step=examples_per_step,
            accumulate=config.accumulate,
            log_every=min(steps(config.log_every), steps_per_epoch),  # an epoch always leaves a mark
            evaluate_every=steps(config.evaluate_every),
            checkpoint_every=steps(config.checkpoint.every) if config.checkpoint.every else None,
        )

    def steps(self, duration: Duration) -> int:
        """Any other duration of this run."""
        return duration.steps(steps_per_epoch=self.steps_per_epoch, examples_per_step=self.examples_per_step)

    def epoch_and_step(self, step: int) -> tuple[int, int]:
        """The epoch, and the step within it, that come after `step` steps."""
        return divmod(step, self.steps_per_epoch)

    def due(self, step: int, every: int | None) -> bool:
        """Whether something that happens at every `every` steps, and at the last one, happens after `step` steps."""
        return step == self.total or (every is not None and step % every == 0)

    def until_due(self, step: int) -> int:
        """How many steps there are, after `step` steps, to the next one after which something is due."""
        intervals = (self.log_every, self.evaluate_every, self.checkpoint_every)
        return min(self.total - step, *(every - step % every for every in intervals if every is not None))
