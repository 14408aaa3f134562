"""Every package that the lists lead to has a wheel for every Python that is promised: nobody needs a compiler."""

from pathlib import Path

import pytest
import yaml

from cli.governance.lock import read
from cli.governance.programs import PLATFORM, one_version_each, start
from project.chapters import Project
from project.installer import find_uv, reason
from project.venvs import triton_venv

ROOT = Project().root
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
PROMISED = WORKFLOW["jobs"]["check"]["strategy"]["matrix"]["python"]
ONLY_SOURCE = {"antlr4-python3-runtime"}
"""Pure Python, and no wheel of it on the index; Hydra needs it."""


def too_old_for(python: str) -> set[str]:
    """The environments that are made with an older Python than this one."""
    triton = triton_venv(ROOT)
    assert triton.below is not None
    newer = tuple(map(int, python.split("."))) >= triton.below
    return {str(path.relative_to(ROOT)) for stage in triton.stages for path in stage.inputs} if newer else set()


@pytest.mark.parametrize("python", PROMISED)
def test_every_package_has_a_wheel_for_every_python_that_is_promised(python: str, tmp_path: Path) -> None:
    uv = find_uv(ROOT)
    if uv is None:
        pytest.skip("there is no uv to ask the package index with")
    wanted = {
        (package.name, package.version)
        for package in read(ROOT).packages
        if {*package.environments} - too_old_for(python) and package.name not in ONLY_SOURCE
    }
    command = [uv, "pip", "compile", "--quiet", "--no-config", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", python, "--python-platform", PLATFORM, "pins.txt"]
    for pins in one_version_each(sorted(wanted)):
        (tmp_path / "pins.txt").write_text("".join(f"{name}=={version}\n" for name, version in pins))
        done = start(command, str(tmp_path))
        if done.returncode != 0 and "No solution found" not in done.stderr:
            pytest.skip(f"no package index answers: {reason(done.stderr)}")
        assert done.returncode == 0, done.stderr
