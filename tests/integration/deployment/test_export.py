"""`scratch export` on every chapter, from a short run to a folder that its card explains how to use."""

import os
import re
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from deployment.export.names import FORMS
from project.chapters import Chapter, Project
from tests.doubles.scripts import COMMAND, READY, Ended, call, finish, start
from tests.doubles.toy_clone import REPOSITORY, ToyClone
from tests.integration.training.test_bad_input import FULL_DISK, assert_refused
from tests.support.experiments import experiment_plots

pytestmark = pytest.mark.timeout(200)

CHAPTERS = {chapter.name: chapter for chapter in Project().chapters() if (chapter.folder / "src/serving.py").is_file()}
HERE = {"PYTHONPATH": str(REPOSITORY), "WANDB_MODE": "disabled"}


def train(chapter: Chapter, outputs: Path, experiment: str) -> None:
    """A short run."""
    script = chapter.folder / "src/train.py"
    short = ("--experiment", experiment, "--no-wandb", "--outputs", outputs, "trainer.duration=2 epochs")
    ended = finish(start(script, *short, env=HERE), 180)
    assert ended.code == 0, ended.stderr


def export(
    chapter: Chapter, outputs: Path, *arguments: object, env: dict[str, str] | None = None, **options: Any
) -> Ended:
    """What `scratch export` says."""
    command = (*COMMAND, "export", chapter.folder, "--outputs", outputs)
    return finish(start(*command, *arguments, env=HERE | READY | (env or {}), **options), 180)


@pytest.fixture(scope="module", autouse=True)
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    os.environ["SCRATCH_DATA_DIR"] = str(tmp_path_factory.mktemp("data"))


@dataclass(frozen=True)
class Made:
    """A short run of a chapter's lightest experiment, exported in every form to where an export goes by itself."""

    outputs: Path
    ended: Ended

    @property
    def folder(self) -> Path:
        (run,) = (path.name for path in (self.outputs / "models").iterdir())
        return self.outputs / "exports" / run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """What was made of a chapter, once."""

    @cache
    def make(name: str) -> Made:
        chapter, outputs = CHAPTERS[name], tmp_path_factory.mktemp(name)
        train(chapter, outputs, next(iter(experiment_plots(chapter.folder))))
        forms = [word for form in FORMS for word in ("--format", form)]
        return Made(outputs, export(chapter, outputs, "--checkpoint", "latest", *forms))

    return make


# ---- every chapter -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_goes_into_every_form(name: str, made: Callable[[str], Made]) -> None:
    folder, ended = made(name).folder, made(name).ended
    assert ended.code == 0, ended.stderr
    assert ended.stderr == ""
    place, *_ = ended.stdout.splitlines()
    assert place == str(folder)
    assert [line.split()[0] for line in ended.stdout.splitlines()[-len(FORMS) :]] == list(FORMS)
    files = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert {"MODEL_CARD.md", "model.onnx", "model.pt2", "model.safetensors", "config.pbtxt"} <= files.keys()
    assert [name for name, content in files.items() if str(REPOSITORY).encode() in content] == []
    for exported in folder.rglob("model.onnx"):
        session = onnxruntime.InferenceSession(str(exported))
        shape = [0, *session.get_inputs()[0].shape[1:]]
        outputs = session.run(None, {"x": np.zeros(shape, dtype=np.float32)})
        assert [len(values) for values in outputs] == [0] * len(outputs)


def test_what_the_card_shows_runs_without_the_project(made: Callable[[str], Made]) -> None:
    folder = made("01_perceptron").folder
    anywhere, _ = programs(folder)
    compared = "\nassert outputs.keys() == model(torch.zeros(5, *x.shape[1:])).keys()\n"
    done = call("-P", "-W", "ignore", "-c", anywhere + compared, cwd=folder, env={"PYTHONPATH": ""})
    assert done.code == 0, done.stderr


def test_the_weights_go_back_into_the_chapter_as_the_card_says(made: Callable[[str], Made]) -> None:
    folder = made("01_perceptron").folder
    _, here = programs(folder)
    done = call("-c", here.replace("models/", f"{REPOSITORY}/models/"), cwd=folder, env=HERE)
    assert done.code == 0, done.stderr


def programs(folder: Path) -> tuple[str, str]:
    """The Python that the card of an export shows: what runs anywhere, and what needs this project."""
    found = re.findall(r"^```python\n(.*?)^```", (folder / "MODEL_CARD.md").read_text(), re.MULTILINE | re.DOTALL)
    here = [program for program in found if "from deployment" in program]
    return "\n".join(program for program in found if program not in here), "\n".join(here)


# ---- mistakes ----------------------------------------------------------------------------------------------------


def test_a_checkpoint_that_is_not_there_is_one_line(made: Callable[[str], Made], tmp_path: Path) -> None:
    chapter, outputs = CHAPTERS["01_perceptron"], made("01_perceptron").outputs
    ended = export(chapter, outputs, "--checkpoint", "no.pt", "--format", "onnx", "--to", tmp_path / "x")
    assert_refused(ended, 2, "no.pt")
    assert list(tmp_path.iterdir()) == []


def with_files_up_to(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@pytest.mark.parametrize("form", ["torch", "safetensors"])
def test_a_full_disk_leaves_nothing(form: str, made: Callable[[str], Made], tmp_path: Path) -> None:
    ended = export(
        *(CHAPTERS["01_perceptron"], made("01_perceptron").outputs),
        *("--checkpoint", "latest", "--format", form, "--to", tmp_path / "x"),
        env=FULL_DISK,
        preexec_fn=with_files_up_to(100),
    )
    assert_refused(ended, 1, f"cannot write {tmp_path / 'x'}: File too large; free some space")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> ToyClone:
    """The command line, and a chapter that nothing can be asked of."""
    clone = ToyClone(tmp_path_factory.mktemp("clone") / "repository")
    clone.write("deployment/export/requirements-triton.txt", "")
    clone.add_chapter("01_toy")
    return clone


def refused(clone: ToyClone, *arguments: str) -> str:
    """The one line of a command that ends with 2."""
    done = clone.scratch(*arguments)
    assert_refused(Ended(done.returncode, done.stdout, done.stderr), 2)
    return done.stderr


def test_an_unknown_format_is_told_with_the_closest(clone: ToyClone) -> None:
    line = refused(clone, "export", "01", "--checkpoint", "latest", "--format", "onx")
    assert "unknown format 'onx', did you mean 'onnx'?; known: onnx, safetensors, torch, triton" in line


def test_a_chapter_that_cannot_be_asked_cannot_be_exported(clone: ToyClone) -> None:
    line = refused(clone, "export", "01", "--checkpoint", "latest", "--format", "onnx")
    assert "01_toy cannot be asked: it has no src/serving.py" in line


CONFIGS = {
    None: "holds no <model>/config.pbtxt; `scratch export NN --format triton` makes one",
    'name: "toy"\nbackend: "onnxruntime"\n': "asks for another backend than Python's, the only one here",
    'name: "toy"\nbackend: "python"\n': "has no 1/model.py; export it again",
}


@pytest.mark.parametrize("config", CONFIGS)
def test_what_triton_would_refuse_or_wait_for_is_one_line(config: str | None, clone: ToyClone) -> None:
    if config is not None:
        clone.write("repository/toy/config.pbtxt", config)
    assert CONFIGS[config] in refused(clone, "tritonserver", str(clone.root / "repository"))


def test_a_place_or_a_port_at_which_triton_would_hang_is_one_line(clone: ToyClone) -> None:
    clone.write("my models/toy/config.pbtxt", 'backend: "python"\n')
    clone.write("my models/toy/1/model.py", "")
    folder = str(clone.root / "my models")
    assert f"Triton cannot start a model in '{folder}'" in refused(clone, "tritonserver", folder)
    assert "'--http-port': 99999 is not in the range" in refused(clone, "tritonserver", folder, "--http-port", "99999")


def test_an_address_that_triton_cannot_have_is_one_line(clone: ToyClone) -> None:
    clone.write("models_of_triton/toy/config.pbtxt", 'backend: "python"\n')
    clone.write("models_of_triton/toy/1/model.py", "")
    folder = str(clone.root / "models_of_triton")
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as free:
        there, other = (str(each.getsockname()[1]) for each in (taken, free))
        free.close()
        for arguments, says in {
            ("--http-port", there, "--grpc-port", other): f"port {there}: Address already in use; .* --http-port",
            ("--http-port", other, "--grpc-port", there): f"port {there}: Address already in use; .* --grpc-port",
            ("--http-port", other, "--grpc-port", other): f"port {other}: Address already in use; .* --grpc-port",
            ("--http-port", other, "--host", "192.0.2.1"): f"192.0.2.1 port {other}: Cannot assign .* --host",
            ("--host", "a" * 70): "is no name that a host can have; choose another with --host",
        }.items():
            assert re.search(says, refused(clone, "tritonserver", folder, *arguments))
