"""The pipeline of `dvc.yaml` with the real DVC, in a clone with a remote beside it: what docs/dvc.md promises."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from project.chapters import Project
from tests.doubles.tool_environment import ROOT, tool_environment
from tests.doubles.toy_clone import executable

pytestmark = pytest.mark.timeout(300)

NEEDED = ("cli", "config", "data_utils", "engine", "experiment", "plotting", "project", "utils", "models/01_perceptron")
EXPERIMENT = "models/01_perceptron/config/experiment/mnist-0v1.yaml"
OUTPUTS = "models/01_perceptron/outputs/dvc"
STAGES = ("data", "train", "evaluate", "claims")


@pytest.fixture(scope="session")
def dvc() -> Path:
    """DVC in an environment of its own, kept under `build/`."""
    return tool_environment("dvc", ROOT / "deployment/dvc/requirements.txt") / "dvc"


class Clone:
    """A clone with its pipeline, and a remote beside it."""

    def __init__(self, root: Path, dvc: Path) -> None:
        self.root, self.program = root / "clone", dvc
        for name in NEEDED:
            left_out = shutil.ignore_patterns("__pycache__", "outputs", ".venv")
            shutil.copytree(ROOT / name, self.root / name, ignore=left_out)
        shutil.copytree(
            ROOT / ".dvc", self.root / ".dvc", ignore=shutil.ignore_patterns("tmp", "cache", "config.local")
        )
        for name in (
            "scratch",
            "pyproject.toml",
            "dvc.yaml",
            ".dvcignore",
            ".gitignore",
            "README.md",
            "ROADMAP.md",
            "EXPERIMENTS.md",
        ):
            shutil.copy(ROOT / name, self.root)
        self.project = Project(self.root)
        for venv in (self.project.venv(), self.project.venv(self.project.chapter("01"))):
            venv.python.parent.mkdir(parents=True)
            executable(venv.python, f'PYTHONPATH="{self.root}" exec "{sys.executable}" "$@"')
            for stage in venv.stages:
                if all(path.exists() for path in stage.inputs):
                    venv.stamp(stage)
        for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "clone")):
            self.git(*arguments)
        self.dvc("remote", "add", "--local", "--default", "disk", str(root / "remote"))

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        return subprocess.run(
            ["git", *who, *arguments], cwd=self.root, capture_output=True, text=True, check=True
        ).stdout

    def dvc(self, *arguments: str) -> str:
        """What `dvc ARGUMENTS` said."""
        env = {name: value for name, value in os.environ.items() if name not in ("CI", "SCRATCH_DATA_DIR")}
        env |= {"OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"}
        done = subprocess.run(
            [self.program, *arguments], cwd=self.root, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def repro(self, *stages: str) -> dict[str, bool]:
        """For each stage, whether `dvc repro STAGES` ran it."""
        said = self.dvc("repro", *stages)
        return {stage: f"Running stage '{stage}'" in said for stage in STAGES}

    def change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Let `change` change the experiment's file."""
        file = self.root / EXPERIMENT
        content = yaml.safe_load(file.read_text())
        change(content)
        file.write_text("# @package _global_\n" + yaml.safe_dump(content, sort_keys=False))


@pytest.fixture(scope="module")
def clone(dvc: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    mirror = os.environ.get("SCRATCH_DATA_MIRROR")
    if mirror is None:
        pytest.skip("there is no SCRATCH_DATA_MIRROR to take MNIST from")
    yield Clone(tmp_path_factory.mktemp("dvc"), dvc)


# The tests below go on from each other's results, in their order.


def test_the_pipeline_runs_from_the_data_to_the_claims(clone: Clone) -> None:
    assert clone.repro() == dict.fromkeys(STAGES, True)
    changed = set(clone.git("status", "--short", "--untracked-files=all").split()[1::2])
    assert "dvc.lock" in changed
    assert not any(path.startswith(("data/", OUTPUTS)) for path in changed)
    results = "models/01_perceptron/results.json"  # the other experiments stay in it
    assert (
        json.loads((clone.root / results).read_text()).keys() == json.loads(clone.git("show", f"HEAD:{results}")).keys()
    )
    metrics = json.loads((clone.root / OUTPUTS / "metrics.json").read_text())
    assert metrics["metrics"]["accuracy"] > 0.99
    assert "accuracy" in clone.dvc("metrics", "show")
    clone.dvc("plots", "show")
    assert list((clone.root / "dvc_plots").rglob("*confusion_matrix.png"))


def test_nothing_is_done_twice(clone: Clone) -> None:
    assert clone.repro() == dict.fromkeys(STAGES, False)


def test_what_was_made_comes_back_from_the_remote(clone: Clone) -> None:
    clone.dvc("push")
    before = (clone.root / OUTPUTS / "metrics.json").read_bytes()
    for folder in (OUTPUTS, "data/raw", ".dvc/cache"):
        shutil.rmtree(clone.root / folder)
    clone.dvc("pull")
    assert (clone.root / OUTPUTS / "metrics.json").read_bytes() == before
    assert list((clone.root / OUTPUTS / "train/models").glob("*/model_best.pt"))
    assert clone.repro() == dict.fromkeys(STAGES, False)


def test_a_changed_parameter_runs_what_depends_on_it_and_nothing_else(clone: Clone) -> None:
    clone.change(lambda content: content["claims"][0].update(at_least=0.985))
    assert clone.repro() == {"data": False, "train": False, "evaluate": False, "claims": True}


def test_another_duration_runs_all_but_the_data(clone: Clone) -> None:
    clone.change(lambda content: content["trainer"].update(duration="1 epoch"))
    assert clone.repro("evaluate") == {"data": False, "train": True, "evaluate": True, "claims": False}
    assert json.loads(clone.dvc("status", "--json")).keys() == {"claims"}  # which takes longest, and is not run here
