"""`scratch registry` in a clone, from a trained run to a loaded model."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.doubles.mlflow_server import QUIET
from tests.doubles.toy_clone import REPOSITORY, ToyClone

NOT_NEEDED = shutil.ignore_patterns("__pycache__", ".venv", "outputs", "notebooks", "tests")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> ToyClone:
    """A clone with all packages and the first chapter."""
    clone = ToyClone(tmp_path_factory.mktemp("clone"))
    for document in ("README.md", "EXPERIMENTS.md", "ROADMAP.md"):
        shutil.copy(REPOSITORY / document, clone.root)
    for folder in ("config", "data_utils", "deployment", "engine", "inference", "plotting", "models/01_perceptron"):
        shutil.copytree(REPOSITORY / folder, clone.root / folder, ignore=NOT_NEEDED, dirs_exist_ok=True)
    for chapter in (None, clone.project.chapter("01")):
        clone.fill(clone.project.venv(chapter))
    done = clone.scratch("reproduce", "01", "--experiment", "and", **QUIET)  # nothing where the results are current
    assert done.returncode == 0, done.stderr
    return clone


def test_a_release_trains_exports_registers_and_promotes_each_of_its_models(clone: ToyClone, tmp_path: Path) -> None:
    (clone.root / ".ci").mkdir()
    script = shutil.copy(REPOSITORY / ".ci/release", clone.root / ".ci")
    clone.write(".ci/models", "# The models of a release.\n01_perceptron and\n")
    clone.write("CHANGELOG.md", "## [Unreleased]\n\n## [0.1.0] - 2026-12-01\n\n- Something.\n")
    uri = f"sqlite:///{tmp_path}/registry.db"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [script, "v0.1.0", tmp_path / "release"],
        env=clone.environment(**QUIET, MLFLOW_TRACKING_URI=uri, PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "- Something." in (tmp_path / "release/notes.md").read_text()
    with tarfile.open(tmp_path / "release/01_perceptron-v0.1.0.tar.gz") as archive:
        left = {Path(name).name for name in archive.getnames()}
    assert {"MODEL_CARD.md", "model.onnx", "model.safetensors", "config.pbtxt"} <= left
    materials = json.loads((tmp_path / "release/01_perceptron-v0.1.0.cdx.json").read_text())
    assert {"torch", "numpy"} <= {component["name"] for component in materials["components"]}
    listed = clone.scratch("registry", "list", "01", "--uri", uri, **QUIET).stdout
    assert listed.splitlines()[2].split()[:2] == ["1", "staging"]


def test_a_run_is_registered_promoted_listed_and_loaded(clone: ToyClone, tmp_path: Path) -> None:
    def scratch(*arguments: str) -> str:
        done = clone.scratch(*arguments, **QUIET)
        assert done.returncode == 0, done.stderr
        return done.stdout

    scratch("train", "01", "--experiment", "and", "--no-wandb")
    (run,) = (clone.root / "models/01_perceptron/outputs/models").iterdir()
    said = scratch("registry", "register", run.name)
    assert said.startswith(f"registered run {run.name} as 01_perceptron version 1, at sqlite:///{clone.root}/outputs/")
    assert said.splitlines()[1:] == ["version: 1"]
    assert scratch("registry", "promote", "01", "1", "prod") == "01_perceptron version 1 is prod\n"
    assert scratch("registry", "list", "01").splitlines()[2].split()[:3] == ["1", "prod", run.name]
    scratch("registry", "load", "01", "prod", "--to", str(tmp_path / "loaded"))
    answer = scratch(
        "predict", "01", "--checkpoint", str(tmp_path / "loaded/model.pt"), "--input", "1,1", "--output", "json"
    )
    assert json.loads(answer)[0]["label"] == "1"

    results = clone.root / "models/01_perceptron/results.json"
    results.write_text(
        results.read_text()
        .replace('"holds": true', '"holds": false', 1)
        .replace('"violations": []', '"violations": ["seed 3: no"]', 1)
    )
    refused = clone.scratch("registry", "promote", "01", "prod", "staging", **QUIET)
    assert (refused.returncode, refused.stdout) == (1, "")
    (line,) = refused.stderr.splitlines()
    assert line.startswith("refused: 01_perceptron version 1 as staging: results.json has a claim that does not hold")
