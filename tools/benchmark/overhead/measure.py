"""Times one loop of one environment; `engine_overhead.py` starts this once for each measurement.

Just before and just after the loop the best loop written by hand is timed in the same process: the speed of a machine
drifts, the ratio of two times taken side by side does not.
"""

import argparse
import importlib
import json
import os
import resource
import statistics
from pathlib import Path

import torch
from with_torch import LOOPS as BY_HAND
from work import TASKS, Task, Work

REFERENCE = "in_memory_fused"
WARM_UP = 3  # epochs


def main() -> None:
    """Measure, and write the result as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--module", required=True, help="with_torch, with_lightning, ...")
    parser.add_argument("--loop", required=True, help="a loop of that module")
    parser.add_argument("--tasks", required=True, help="such as i,ii")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="where digits.npz is")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    loops = importlib.import_module(options.module).LOOPS
    tasks = [TASKS[name] for name in options.tasks.split(",")]
    measured = {task.name: measure(loops[options.loop], task, options.folder) for task in tasks}
    options.output.write_text(json.dumps(measured))
    os._exit(0)  # a trainer's own threads may take seconds to end


def measure(loop, task: Task, folder: Path) -> dict[str, float]:  # type: ignore[no-untyped-def]
    """Microseconds a step of `loop` and of the reference, and the process's peak memory after them.

    Raises:
        RuntimeError: The loop did not do the work: another number of steps, or a loss that did not fall.
    """
    # A decile is lower among more values, so both sides have as many.
    half = WARM_UP + 1 + (task.epochs - WARM_UP - 1) // 2
    before = times(BY_HAND[REFERENCE], task, folder, half)
    work = Work.of(task, folder, task.epochs)
    own = times(loop, task, folder, task.epochs, work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    torch.set_deterministic_debug_mode("default")  # our engine switches it on for its process
    after = times(BY_HAND[REFERENCE], task, folder, half)
    return {
        "microseconds": fast(own),
        "reference": fast(before + after),
        "peak_megabytes": peak,
        "first_epoch_seconds": work.probe.times[1] - work.probe.times[0],
    }


def fast(values: list[float]) -> float:
    """The first decile: what an epoch takes where nothing comes between, but not the one lucky epoch."""
    return statistics.quantiles(values, n=10, method="inclusive")[0]


def times(  # type: ignore[no-untyped-def]
    loop, task: Task, folder: Path, epochs: int, work: Work | None = None
) -> list[float]:
    """Microseconds a step in each epoch, the first ones left out; `work` is what to do it on, if not a new one."""
    work = work or Work.of(task, folder, epochs)
    untrained = work.loss()
    loop(work)
    wanted = epochs * work.probe.steps_per_epoch
    if work.probe.steps != wanted:
        raise RuntimeError(f"{work.probe.steps} steps instead of {wanted}")
    trained = work.loss()
    if not trained < untrained:
        raise RuntimeError(f"the loss went from {untrained} to {trained}")
    return work.probe.microseconds(WARM_UP)


if __name__ == "__main__":
    main()
