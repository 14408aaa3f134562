"""How fast a run is: examples, tokens and floating-point operations per second, and the share of the peak."""

from collections.abc import Sequence

from data_utils.batches import Batch
from engine.device.flops import FlopCounter
from engine.device.world import World
from engine.loop.step import GradientStep, ManualStep, Outputs


class Throughput:
    """Turns what was done since the last log line into rates.

    Args:
        peak_flops: Operations per second that a rank's device can do at most; None where that is not known.
        world: The ranks that share the work.
    """

    def __init__(self, peak_flops: float | None, world: World | None = None) -> None:
        ranks = world.size if world is not None else 1
        self.peak_flops = None if peak_flops is None else peak_flops * ranks
        self.flops_per_example = 0.0
        """As counted on the first step; 0 before it, and for a model without a product in its arithmetic."""

    def counted(
        self, update: GradientStep | ManualStep, batches: Sequence[Batch], rate_factor: float, want_norm: bool
    ) -> list[Outputs]:
        """Take the step `update(batches, rate_factor, want_norm)` and remember how many operations it took.

        Counting costs some microseconds for each operator, so only the first step of a process is counted; it computes
        the same bits as it would without.
        """
        with FlopCounter() as counter:
            outputs = update(batches, rate_factor, want_norm)
        self.flops_per_example = counter.total / sum(len(batch[0]) for batch in batches)
        return outputs

    def rates(self, examples: int, items: float | None, seconds: float) -> dict[str, float]:
        """What `metrics.jsonl` says about the last `seconds`.

        Args:
            examples: Examples that the model has learned from in that time.
            items: What it counted as items, such as tokens; None for a model that counts none.
            seconds: More than 0.
        """
        row = {"speed/examples_per_second": examples / seconds}
        if items is not None:
            row["speed/tokens_per_second"] = items / seconds
        if self.flops_per_example:
            flops = row["speed/flops_per_second"] = self.flops_per_example * examples / seconds
            if self.peak_flops is not None:
                # model FLOPs utilization (Chowdhery et al. 2022, appendix B)
                row["speed/mfu"] = flops / self.peak_flops
        return row
