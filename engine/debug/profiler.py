"""Where the time and the memory of a training step go (`scratch profile`, `train.py --profile STEPS`)."""

import json
import resource
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity

from engine.device.flops import FlopCounter
from engine.loop.compile import single_steps_note
from engine.loop.learner import Learner
from engine.trainer import Trainer
from utils.files import write_atomic

_WARM_UP = 3  # steps: the first ones allocate and choose kernels
_ROWS = 20


def profile(trainer: Trainer, steps: int) -> None:
    """Take `steps` training steps under torch's profiler and as many without, and say what they cost.

    Writes `table.txt`, `trace.json` (for chrome://tracing or ui.perfetto.dev) and `summary.json` to
    `outputs/profiles/<run_id>/`; the model is not kept.

    Raises:
        RunError: A file cannot be written.
    """
    learner, device = trainer.learner, trainer.hardware.device
    batches = learner.steps_from(0)

    def take(number: int) -> int:
        """Take `number` steps; returns how many examples they saw."""
        examples = 0
        for _ in range(number):
            step = next(batches)
            learner.train_step(step, learner.lr(0), want_norm=False)
            examples += sum(len(batch[0]) for batch in step)
        _synchronize(device)
        return examples

    compiled = trainer.config.trainer.compile == "model"
    plainly = torch.compiler.set_stance("force_eager") if compiled else nullcontext()  # or it would compile the counter
    with plainly, FlopCounter() as counter:
        take(1)  # the first, which is a whole one
    take(_WARM_UP)
    started = time.perf_counter()
    examples = take(steps)
    seconds = time.perf_counter() - started
    with torch.profiler.profile(activities=_activities(device), profile_memory=True) as profiler:
        take(steps)
    order = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
    operations = profiler.key_averages().table(sort_by=order, row_limit=_ROWS, max_name_column_width=40)
    summary = {
        "run": trainer.run.run_id,
        "hardware": trainer.hardware.describe(),
        "steps": steps,
        "seconds_per_step": seconds / steps,
        "examples_per_second": examples / seconds,
        "flops_per_step": counter.total,
        "peak_flops": trainer.hardware.peak_flops,
        "parameter_bytes": sum(parameter.nbytes for parameter in learner.model.parameters()),
        "optimizer_bytes": _optimizer_bytes(learner),
        "peak_process_bytes": _peak_process_bytes(),
        "peak_gpu_bytes": torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    }
    folder = trainer.run.outputs / "profiles" / trainer.run.run_id
    write_atomic(folder / "table.txt", operations)
    write_atomic(folder / "trace.json", _trace(profiler))
    write_atomic(folder / "summary.json", json.dumps(summary, indent=2) + "\n")
    print(operations.rstrip())
    print("\n".join(_report(summary, single_steps_note(trainer.config.trainer))))
    print(f"wrote {folder}")


def _report(summary: dict[str, Any], how: str) -> list[str]:
    rate = summary["flops_per_step"] / summary["seconds_per_step"]
    lines = [
        f"{summary['hardware']}, {summary['steps']} steps timed without the profiler{how}",
        f"  time          {summary['seconds_per_step'] * 1e3:.3g} ms a step, "
        f"{summary['examples_per_second']:,.0f} examples per second",
        f"  FLOPs         {summary['flops_per_step']:,} a step, {rate:.3g} per second{_of_peak(summary, rate)}",
        "                of products, convolutions, attention and recurrent layers: no elementwise work",
        f"  parameters    {summary['parameter_bytes']:,} bytes, and {summary['optimizer_bytes']:,} of the optimizer",
        f"  peak memory   {summary['peak_process_bytes'] / 2**20:,.0f} MiB of the process, torch itself included",
    ]
    if summary["peak_gpu_bytes"] is not None:
        lines.append(f"                {summary['peak_gpu_bytes'] / 2**20:,.1f} MiB of tensors on the GPU")
    return lines


def _of_peak(summary: dict[str, Any], rate: float) -> str:
    return "" if summary["peak_flops"] is None else f", {rate / summary['peak_flops']:.1%} of the peak"


def _activities(device: torch.device) -> list[ProfilerActivity]:
    return [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if device.type == "cuda" else [])


def _trace(profiler: torch.profiler.profile) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        return path.read_bytes()


def _optimizer_bytes(learner: Learner) -> int:
    states = [state for optimizer in learner.optimizers.values() for state in optimizer.state.values()]
    return sum(value.nbytes for state in states for value in state.values() if isinstance(value, torch.Tensor))


def _peak_process_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux KiB


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
