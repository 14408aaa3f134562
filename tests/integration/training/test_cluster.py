"""What is handed to a cluster is what the cluster's schema and our command line accept, and a stopped job resumes."""

import copy
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubeflow_trainer_api.models import TrainerV1alpha1TrainJob
from pydantic import ValidationError

from engine.runs.metrics_log import read_rows
from engine.runs.run import run_ids
from experiment.resume import config_to_resume, run_of
from tests.doubles.bench import NETWORK, PERCEPTRON, Bench
from tests.doubles.scripts import call
from tests.doubles.toy_clone import executable

ROOT = Path(__file__).resolve().parents[3]
CLUSTER = ROOT / "deployment/cluster"
JOB = yaml.safe_load((CLUSTER / "trainjob.yaml").read_text())
SHELL = sorted(path for path in CLUSTER.iterdir() if path.suffix in (".sh", ".sbatch"))
START = CLUSTER / "train_or_resume.sh"
POD = yaml.safe_load((ROOT / "deployment/kubernetes/training/job.yaml").read_text())


def shipped() -> dict[str, tuple[str, ...]]:
    """File to the chapter and the arguments of `train.py` that it ships."""
    dockerfile = (ROOT / "deployment/containers/Dockerfile").read_text()
    (chapter,) = set(re.findall(r"^ARG CHAPTER=(\S+)$", dockerfile, re.MULTILINE)) - {"$CHAPTER"}
    (by_default,) = re.findall(r"^CMD (\[.*hardware.*\])$", dockerfile, re.MULTILINE)
    (container,) = POD["spec"]["template"]["spec"]["containers"]
    folder, _, *of_job = JOB["spec"]["trainer"]["args"]
    return {
        "train.sbatch": examples((CLUSTER / "train.sbatch").read_text())[0],
        "scale.md": examples((ROOT / "docs/scale.md").read_text())[0],
        "trainjob.yaml": (folder.removeprefix("/workspace/"), *of_job),
        "job.yaml": (f"models/{chapter}", *container["args"]),
        "Dockerfile": (f"models/{chapter}", *json.loads(by_default)),
    }


def examples(text: str) -> list[tuple[str, ...]]:
    """What stands behind `train.sbatch` in the commands of a file."""
    return [tuple(shlex.split(line)) for line in re.findall(r"sbatch .*?train\.sbatch (models/.*)", text)]


# ---- Kubernetes ----------------------------------------------------------------------------------------------------


def checked(job: dict[str, Any]) -> dict[str, Any]:
    """`job` as the schema of Kubeflow Trainer understands it; what it does not know is left out."""
    found = TrainerV1alpha1TrainJob.from_dict(job)
    assert found is not None
    return found.to_dict()


def test_the_training_job_is_one_by_kubeflows_schema() -> None:
    assert checked(JOB) == JOB


@pytest.mark.parametrize(
    "change", [lambda spec: spec.pop("runtimeRef"), lambda spec: spec["trainer"].update(numNodes="2")]
)
def test_the_schema_refuses_what_is_missing_or_of_another_type(change: Callable[[dict[str, Any]], Any]) -> None:
    job = copy.deepcopy(JOB)
    change(job["spec"])
    with pytest.raises(ValidationError):
        checked(job)


def test_the_schema_does_not_know_a_misspelled_key() -> None:
    job = copy.deepcopy(JOB)
    job["spec"]["trainer"]["numberOfNodes"] = 2
    assert checked(job) != job


def test_a_job_has_time_for_a_checkpoint_and_keeps_it_on_a_volume() -> None:
    (patch,) = JOB["spec"]["runtimePatches"]
    (replicated,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    pod = replicated["template"]["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > 30  # the default of Kubernetes
    (container,) = pod["containers"]
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert set(mounted.values()) == {volume["name"] for volume in pod["volumes"]}
    trainer = JOB["spec"]["trainer"]
    (data,) = [variable["value"] for variable in trainer["env"] if variable["name"] == "SCRATCH_DATA_DIR"]
    assert data in mounted and any(trainer["args"][1].startswith(f"{path}/") for path in mounted)


def test_what_the_job_starts_is_in_the_repository_and_composes() -> None:
    trainer = JOB["spec"]["trainer"]
    (script,), (chapter, _, *arguments) = trainer["command"], trainer["args"]
    assert os.access(ROOT / Path(script).relative_to("/workspace"), os.X_OK)
    train = ROOT / Path(chapter).relative_to("/workspace") / "src/train.py"
    ended = call(train, *arguments, "no.such.key=1")  # all but the last is understood
    assert ended.code == 2 and "no.such" in ended.stderr and "hardware" not in ended.stderr


def test_the_example_of_a_node_composes(tmp_path: Path) -> None:
    assert Bench(PERCEPTRON, tmp_path).config("xor", "hardware=cluster").hardware.precision == "bf16"


# ---- starting again ------------------------------------------------------------------------------------------------


def started(outputs: Path, chapter: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """`train_or_resume.sh`, as a scheduler starts it."""
    variables = {"PYTHON": sys.executable, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment
    return subprocess.Popen(
        [START, chapter, outputs, *arguments],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("file", shipped())
def test_a_shipped_command_finds_the_run_that_it_has_started(file: str, tmp_path: Path) -> None:
    chapter, _, experiment, *rest = shipped()[file]
    overrides = [word for word in rest if not word.startswith("--")]
    bench = Bench(ROOT / chapter, tmp_path)
    config = bench.config(experiment, *overrides)
    assert overrides and config.hardware.device == "auto"
    run = bench.run(config)
    run.open({}, 0)
    assert run_of(bench.chapter, tmp_path, config, type(config.model)) == run.run_id
    assert config_to_resume(bench.chapter, tmp_path, "latest", experiment, overrides, type(config.model)) == (
        run.run_id,
        config,
    )


def test_the_command_of_the_pod_is_stopped_goes_on_ends_and_is_done(tmp_path: Path) -> None:
    groups = ("scheduler=cosine", "model/optimizer=momentum", "tracking.tensorboard=false")
    command = (*shipped()["job.yaml"], *groups, "trainer.duration=80 epochs", "trainer.log_every=1 step")
    process = started(tmp_path, *command)
    wait_until(lambda: last_step(tmp_path) > 0, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 143
    for part in ("going on at step", "has finished"):
        process = started(tmp_path, *command)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0 and part in said, said
    assert len(run_ids(tmp_path)) == 1


def test_another_experiment_seed_or_setting_is_another_run_and_each_is_found_again(tmp_path: Path) -> None:
    chapter = "models/01_perceptron"
    short = ("--no-wandb", "tracking.tensorboard=false", "trainer.duration=2 epochs")
    for arguments in [("--experiment", "and"), ("--experiment", "or"), ("--experiment", "and", "--seed", "4")] * 2:
        process = started(tmp_path, chapter, *arguments, *short)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
    assert len(run_ids(tmp_path)) == 3


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_mistake_has_a_code_of_its_own_and_the_pod_is_not_started_again(processes: str, tmp_path: Path) -> None:
    process = started(tmp_path, *shipped()["job.yaml"], "trainer.no_such_key=1", PET_NPROC_PER_NODE=processes)
    said, _ = process.communicate(timeout=120)
    assert "no_such_key" in said
    rules = POD["spec"]["podFailurePolicy"]["rules"]
    (never,) = [rule["onExitCodes"]["values"] for rule in rules if rule["action"] == "FailJob"]
    assert process.returncode in never and not {1, 130, 137, 143} & {*never}


def test_the_example_for_several_processes_trains_is_stopped_and_goes_on(tmp_path: Path) -> None:
    _, _, _, *flags = examples((CLUSTER / "train.sbatch").read_text())[1]
    command = (str(NETWORK), "--experiment", "blobs", *flags, "hardware.device=cpu", "tracking.tensorboard=false")
    endless = (*command, "trainer.duration='1e9 steps'")
    for _ in range(2):
        before = last_step(tmp_path)
        process = started(tmp_path, *endless, PET_NPROC_PER_NODE="2", PET_STANDALONE="1")
        wait_until(lambda before=before: last_step(tmp_path) > before, process)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 143, said
    assert len(run_ids(tmp_path)) == 1


def test_a_chapter_that_updates_itself_is_refused_on_several_processes_for_good(tmp_path: Path) -> None:
    process = started(
        tmp_path,
        "models/01_perceptron",
        *("--experiment", "and", "--no-wandb", "hardware=ddp", "hardware.device=cpu"),
        PET_NPROC_PER_NODE="2",
    )
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 2 and "makes its own update" in said, said


# ---- SLURM ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_a_script_can_be_started(script: Path) -> None:
    assert os.access(script, os.X_OK) or script.suffix == ".sbatch"


class Slurm:
    """As much of SLURM as a batch script sees: its variables, `srun` and `scontrol`."""

    def __init__(self, folder: Path) -> None:
        self.said, self.outputs = folder / "scontrol.txt", folder / "outputs"
        (folder / "bin").mkdir()
        executable(folder / "bin/srun", 'shift; exec "$@"')
        executable(
            folder / "bin/scontrol", f'if [ "$1" = show ]; then echo 127.0.0.1; else echo "$@" >>"{self.said}"; fi'
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.environment = {
            **os.environ,
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "PYTHONPATH": str(ROOT),
            "OUTPUTS": str(self.outputs),
            "PORT": str(port),
            "SLURM_SUBMIT_DIR": str(ROOT),
            "SLURM_JOB_ID": "7",
            "SLURM_JOB_NUM_NODES": "1",
            "SLURM_JOB_NODELIST": "here",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = ["bash", str(CLUSTER / "train.sbatch"), *arguments]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.1)


def test_a_slurm_job_that_is_stopped_goes_back_into_the_queue_and_resumes_where_it_was(tmp_path: Path) -> None:
    slurm = Slurm(tmp_path)
    endless = ("--experiment", "xor", "--no-wandb", "trainer.duration='1e9 steps'", "tracking.tensorboard=false")
    steps = [0]
    for _ in range(2):
        process = slurm.start("models/01_perceptron", *endless)
        wait_until(lambda: last_step(slurm.outputs / "7") > steps[-1], process)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=120)
        assert process.returncode != 0 and "back into the queue" in said
        (run_id,) = run_ids(slurm.outputs / "7")
        summary = json.loads((slurm.outputs / "7/models" / run_id / "metrics.json").read_text())
        assert summary["status"] == "interrupted" and (slurm.outputs / "7/models" / run_id / "model_last.pt").exists()
        steps.append(summary["step"])
    assert slurm.said.read_text() == "requeue 7\n" * 2
    log = (slurm.outputs / "7/logs" / run_id / "train.log").read_text()
    assert f"going on at step {steps[1]} of" in log


def test_a_slurm_job_that_fails_stays_out_of_the_queue(tmp_path: Path) -> None:
    slurm = Slurm(tmp_path)
    process = slurm.start("models/01_perceptron", "--experiment", "none")
    said, _ = process.communicate(timeout=120)
    assert process.returncode != 0 and "none" in said
    assert not slurm.said.exists()


def test_a_slurm_job_that_finishes_although_it_was_to_stop_stays_out_of_the_queue(tmp_path: Path) -> None:
    slurm = Slurm(tmp_path)
    started = tmp_path / "started"
    executable(tmp_path / "bin/srun", f'trap "exit 0" TERM; touch "{started}"; while :; do sleep 0.1; done')
    process = slurm.start("models/01_perceptron")
    wait_until(started.exists, process)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert not slurm.said.exists()


def last_step(outputs: Path) -> int:
    """The last step in the record of the only run; -1 before there is one."""
    rows = [row for path in outputs.glob("logs/*/metrics.jsonl") for row in read_rows(path)]
    return rows[-1]["step"] if rows else -1
