"""What a benchmark was measured on, in a sentence."""

import os
import platform
from pathlib import Path


def describe_machine(load: float) -> str:
    """Processor, cores, system and Python; `load` is the load average when the measurement started."""
    return (
        f"{_cpu()}, {os.cpu_count()} cores, load {load:.2f} at the start; {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}."
    )


def _cpu() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
