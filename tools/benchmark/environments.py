"""The environments of what is compared: one for each file of `requirements/`, made on first use by uv."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from utils.terminal.environment import environment, uv_environment  # noqa: E402

HERE = Path(__file__).resolve().parent
CACHE = ROOT / "build/benchmark"


def install(package: str) -> None:
    """The environment of one file of `requirements/`; a stamp says what a finished one was made from."""
    wanted, folder = HERE / f"requirements/{package}.txt", CACHE / package
    stamp, text = folder / "installed.txt", _text(wanted)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == text:
        return
    uv = shutil.which("uv") or str(ROOT / ".venv/bin/uv")
    print(f"installing {package}", file=sys.stderr)
    run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, folder], timeout=300)
    command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python_of(package), "-r", wanted]
    run(command, timeout=1800)
    stamp.write_text(text)


def _text(requirements: Path) -> str:
    """A list of packages with the lists that it takes in."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    parts = [_text(requirements.parent / line[3:]) if line.startswith("-r ") else line for line in lines]
    return "\n".join(parts)


def python_of(package: str) -> Path:
    """The interpreter of an environment."""
    return CACHE / package / "bin/python"


def run(command: Sequence[str | Path], timeout: float, threads: int = 1) -> str:
    """What `command` printed.

    Raises:
        RuntimeError: It failed, or took longer than `timeout` seconds; the message is the last line that it wrote.
    """
    quiet = {"HF_HUB_OFFLINE": "1", "WANDB_MODE": "offline", "WANDB_SILENT": "true", "PYTHONPATH": str(ROOT)}
    env = uv_environment(environment()) | quiet | {"OMP_NUM_THREADS": str(threads)}
    words = [str(word) for word in command]
    with tempfile.TemporaryDirectory() as scratch:
        env |= {f"WANDB_{kind}_DIR": scratch for kind in ("CACHE", "CONFIG", "DATA")}
        try:  # a chapter's folder: what `-e ../..` in its requirements is relative to
            done = subprocess.run(
                words, env=env, cwd=ROOT / "models/01_perceptron", capture_output=True, text=True, timeout=timeout
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise RuntimeError(" ".join(str(error).split())) from error
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1].strip())
    return done.stdout
