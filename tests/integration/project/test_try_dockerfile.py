"""The images, made without Docker: their steps work, they do what they are for, and SIGTERM ends the servers."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "tools/containers/try_dockerfile.py"
PERCEPTRON = ROOT / "models/01_perceptron"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a perceptron that computes AND."""
    outputs = tmp_path_factory.mktemp("run") / "outputs"
    train = [sys.executable, str(PERCEPTRON / "src/train.py"), "--experiment", "and", "--no-wandb"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*train, "--outputs", str(outputs)], env=env, check=True, capture_output=True)
    (found,) = outputs.glob("models/*/model_last.pt")
    return found


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


def tried(target: str, *options: object) -> subprocess.CompletedProcess[str]:
    """What came of trying an image of chapter 01."""
    backend = os.environ.get("UV_TORCH_BACKEND", "")
    arguments = {"CHAPTER": "01_perceptron", "TORCH_BACKEND": backend, "COMPILE": "0"}
    build = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    command = [sys.executable, str(PROGRAM), "--target", target, *build, *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_the_image_of_the_api_gets_ready_answers_and_stops(checkpoint: Path, port: int, tmp_path: Path) -> None:
    uri = registered_as_prod(checkpoint, tmp_path)
    example = tmp_path / "example.json"
    example.write_text(json.dumps({"input": [1, 1]}))
    asked = ("--ask", f"http://127.0.0.1:{port}/v1/predict", example)
    there = ("--env", f"SCRATCH_API__SERVER__PORT={port}", "--env", f"MLFLOW_TRACKING_URI={uri}")
    said = tried("api", *asked, *there).stdout
    assert "its HEALTHCHECK passes" in said
    (answer,) = [json.loads(line) for line in said.splitlines() if line.startswith('{"model"')]
    assert (answer["model"], answer["version"], answer["answer"]["label"]) == ("01_perceptron", "1", "1")
    assert "SIGTERM ended it with exit code 143" in said


def test_the_image_of_the_interface_gets_ready_and_stops(checkpoint: Path, port: int) -> None:
    said = tried("ui", "--env", f"UI_PORT={port}", "--", "--checkpoint", checkpoint).stdout
    assert "its HEALTHCHECK passes" in said
    assert "SIGTERM ended it with exit code 143" in said


def test_the_image_of_the_training_trains_and_ends() -> None:
    told = tried("training", "--", "--experiment", "and", "--no-wandb", "trainer.duration=2 steps").stderr
    assert "finished" in told


def registered_as_prod(checkpoint: Path, folder: Path) -> str:
    """The address of a registry in which `prod` means `checkpoint`."""
    from deployment.registry.client import Registry
    from deployment.registry.transactions import add, move

    (folder / "bundle").mkdir()
    shutil.copy(checkpoint, folder / "bundle/model.pt")
    registry = Registry(f"sqlite:///{folder}/mlflow.db", create=True)
    version = add(registry, PERCEPTRON.name, folder / "bundle", {"run_id": "and-0"})
    move(registry, "prod", version, {"at": "2026-01-02T03:04:05Z", "by": "someone"})
    return registry.uri


def test_a_step_that_fails_and_a_target_that_is_not_there_are_told(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(
        "FROM python:3.11.14 AS api\nRUN exit 3\nFROM python:3.11.14 AS nothing\nUSER 5\n"
        'FROM nothing AS roots\nVOLUME ["/data"]\n'
    )
    for arguments, message in {
        ("--target", "api"): "error: exit code 3: RUN exit 3",
        ("--target", "gui"): "has no stage 'gui'; known: api, nothing, roots",
        ("--target", "nothing"): "error: it has neither ENTRYPOINT nor CMD",
        ("--target", "roots"): "error: a new volume at /data would be root's, and not that of 5 who runs",
        ("--target", "api", "--file", "nowhere"): "error: [Errno 2] No such file or directory: 'nowhere'",
        ("--target", "api", "--env", "NAME"): "error: argument --env: 'NAME' is not NAME=VALUE",
    }.items():
        command = [sys.executable, str(PROGRAM), "--file", str(file), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (1, 2) and message in done.stderr
