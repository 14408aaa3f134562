"""Makes virtual environments and installs into them: with uv where it is to be had, otherwise with venv and pip.

Standard library only: it runs before anything is installed.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from utils.errors import RunError
from utils.terminal.environment import environment, uv_environment, with_cache

UV = "uv>=0.8,<1"
OLDEST = "3.11"
"""The first Python that will do."""
PYTHON = getattr(sys, "_base_executable", sys.executable)  # not one inside a .venv that may be about to go


class Installer:
    """Installs for one clone, while holding its lock.

    Args:
        root: The repository's folder; uv is put into its .venv where the machine has none.
        lock: The lock's file descriptor. Child processes inherit it: should this process be killed, the lock
            lasts until they have ended, and nobody builds beside them.
    """

    def __init__(self, root: Path, lock: int) -> None:
        self.root = root
        self.lock = lock

    def create(self, home: Path, below: tuple[int, int] | None = None) -> None:
        """Make an empty environment with pip in `home/.venv`.

        Args:
            home: Its folder.
            below: The first Python that is too new for it; where this one is, uv finds or fetches an older one.

        Raises:
            RunError: It cannot be made.
        """
        folder, uv = home / ".venv", find_uv(self.root)
        python, doing = PYTHON, "making"
        if below is not None and sys.version_info[:2] >= below:
            older = f"a Python before {below[0]}.{below[1]}"
            if uv is None:
                raise RunError(f"{folder} needs {older}; install uv, which finds or fetches one")
            python, doing = f">={OLDEST},<{below[0]}.{below[1]}", f"with {older}, making"
        if uv is not None:
            command = [uv, "venv", "--quiet", "--seed", "--allow-existing", "--python", python, str(folder)]
        else:
            command = [python, "-m", "venv", str(folder)]
        self._run(command, home, doing)

    def install(self, home: Path, requirements: Sequence[str]) -> None:
        """Install into `home/.venv`; `requirements` are arguments of `pip install`, relative to `home`.

        Raises:
            RunError: They cannot be had; the message holds the installer's reason and where its output is.
        """
        python = str(home / ".venv/bin/python")
        if home == self.root and not find_uv(self.root):
            self._get_uv()
        if uv := find_uv(self.root):
            command = [uv, "pip", "install", "--python", python, *requirements]
        else:
            command = [python, "-m", "pip", "install", "--no-input", *requirements]
        self._run(command, home, "installing packages into")

    def _get_uv(self) -> None:
        """Put uv into the root's environment; without it (an uncommon platform, say) pip does the work, slower."""
        pip = [str(self.root / ".venv/bin/python"), "-m", "pip", "install", "--no-input", "--retries", "1", UV]
        try:
            self._run(pip, self.root, "installing uv into")
        except RunError:
            print("uv is not to be had here; going on with pip", file=sys.stderr)

    def _run(self, command: Sequence[str], home: Path, doing: str) -> None:
        """Run an installer; its output goes to a log, and one line on the terminal says how far it is."""
        log = home / ".venv/install.log"
        what = f"{doing} {os.path.relpath(home / '.venv', self.root)}"
        started = time.monotonic()
        show = sys.stderr.isatty()
        if not show:
            print(what, file=sys.stderr)
        with log.open("w", encoding="utf-8") as output:
            process = subprocess.Popen(
                command,
                cwd=home,  # `-e ../..` in a requirements file is relative to the current folder
                env=with_cache(uv_environment(environment()), self.root / "build/uv-cache"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(self.lock,),
            )
            try:
                while process.poll() is None:
                    if show:
                        _rewrite(f"{what}  {time.monotonic() - started:.0f} s  {_last_line(log)}")
                    _wait(process, 0.2)
            except BaseException:
                process.terminate()
                process.wait()
                raise
            finally:
                if show:
                    _rewrite("")
        if process.returncode != 0:
            why = reason(log.read_text(encoding="utf-8", errors="replace"))
            raise RunError(
                f"{what} failed: {why}; "
                f"check the network and the package index, then try again (all of its output: {log})"
            )


def find_uv(root: Path) -> str | None:
    """The machine's uv, or the one that an `Installer` put into the root's environment."""
    own = root / ".venv/bin/uv"
    return shutil.which("uv") or (str(own) if own.exists() else None)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _rewrite(line: str) -> None:
    width = shutil.get_terminal_size().columns - 1
    print(f"\r\033[K{line[:width]}", end="", file=sys.stderr, flush=True)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def reason(output: str) -> str:
    """Why pip or uv gave up: the first error in its output, and the cause at the bottom of it."""
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error: ")][:1]
    causes = [line for line in lines if line.lower().startswith(("cause: ", "caused by: "))][-1:]
    chosen = errors + causes or lines[-1:] or ["it said nothing"]
    return ": ".join(re.sub("^(error|cause|caused by): ", "", line, flags=re.IGNORECASE).rstrip(".") for line in chosen)
