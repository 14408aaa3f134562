"""wandb: the real client, against a double of its server on loopback."""

import gc
import json
import os
import shlex
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from engine.config import WandbConfig
from engine.tracking.base import RunInfo, Tracker
from engine.tracking.wandb_artifacts import fetch_artifact, is_artifact_reference
from engine.tracking.wandb_tracker import WandbTracker
from tests.doubles.wandb_server import API_KEY, ENTITY, WandbServer
from utils.errors import InputError, RunError

pytestmark = [
    pytest.mark.timeout(60),  # a client that waits for ever is a defect; what it may wait is some seconds
    pytest.mark.usefixtures("home"),
    # The client leaves the file of a broken download to the garbage collector.
    pytest.mark.filterwarnings(r"ignore:.*\.fetching-:pytest.PytestUnraisableExceptionWarning"),
]

ROWS = [{"step": step, "epoch": step / 10, "batch/loss": 1 / step} for step in (10, 20, 30)]


def info(tmp_path: Path, resumed_at: int | None = None) -> RunInfo:
    logs = tmp_path / "logs"
    logs.mkdir(exist_ok=True)
    return RunInfo("xor-seed1-7f3a", "01_perceptron", "xor", ("night",), {"seed": 1}, logs, resumed_at, 0)


def tracker() -> WandbTracker:
    return WandbTracker(WandbConfig(enabled=True, project="lessons", entity=None))


def log_checkpoint(tmp_path: Path, content: bytes, aliases: list[str], seed: int = 1) -> str | None:
    """One run that logs one checkpoint; returns its last line."""
    model = tmp_path / "model_best.pt"
    model.write_bytes(content)
    a_run = tracker()
    a_run.start(info(tmp_path))
    a_run.checkpoint([model], aliases, {"accuracy": 0.75})
    return a_run.finish("finished")


@contextmanager
def unused_address() -> Iterator[str]:
    """A URL at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def points(rows: list[dict[str, Any]]) -> list[tuple[int, float]]:
    return [(row["step"], row["batch/loss"]) for row in rows if "batch/loss" in row]


def records(folder: Path) -> Iterator[Any]:
    """What an offline run has on disk: wandb's protocol buffers in the framing of LevelDB's logs."""
    from wandb.proto import wandb_internal_pb2

    (path,) = folder.glob("*.wandb")
    content, position, body, block = path.read_bytes(), 7, b"", 32768
    while position + 7 <= len(content):
        left = block - position % block
        if left < 7:
            position += left
            continue
        _, size, part = struct.unpack("<IHB", content[position : position + 7])
        position += 7
        body += content[position : position + size]
        position += size
        if part in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()  # type: ignore[attr-defined]
            record.ParseFromString(body)
            yield record
            body = b""


def history_on_disk(folder: Path) -> list[dict[str, Any]]:
    return [
        {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        for record in records(folder)
        if record.HasField("history")
    ]


# ---- a run that is logged in ----------------------------------------------------------------------------------------


def test_rows_config_and_end_of_an_online_run_arrive(tmp_path: Path, server: WandbServer) -> None:
    online = tracker()
    assert isinstance(online, Tracker)
    line = online.start(info(tmp_path))
    online.log(ROWS[:2])
    online.log(ROWS[2:])
    assert online.finish("finished") is None
    assert line is not None and "xor-seed1-7f3a" in line
    run = server.runs["xor-seed1-7f3a"]
    assert points(run.history) == [(10, 0.1), (20, 0.05), (30, 1 / 30)]
    assert run.project == "lessons"
    assert run.config["seed"] == {"value": 1}
    assert run.tags == ["night"]
    assert run.exit_code == 0


def test_a_failed_run_is_marked_as_failed(tmp_path: Path, server: WandbServer) -> None:
    online = tracker()
    online.start(info(tmp_path))
    online.finish("failed")
    assert server.runs["xor-seed1-7f3a"].exit_code == 1


def test_wandb_is_told_nothing_of_the_machine_or_the_code(tmp_path: Path, server: WandbServer) -> None:
    online = tracker()
    online.start(info(tmp_path))
    online.log(ROWS)
    online.finish("finished")
    run = server.runs["xor-seed1-7f3a"]
    assert set(run.files) <= {"config.yaml", "wandb-summary.json"}
    assert socket.gethostname() not in json.dumps(run.config)


def test_a_resumed_run_goes_on_under_its_id_and_loses_no_points(tmp_path: Path, server: WandbServer) -> None:
    for resumed_at, rows in ((None, ROWS[:2]), (20, ROWS[2:])):
        online = tracker()
        online.start(info(tmp_path, resumed_at))
        online.log(rows)
        online.finish("interrupted" if resumed_at is None else "finished")
    assert list(server.runs) == ["xor-seed1-7f3a"]
    assert points(server.runs["xor-seed1-7f3a"].history) == [(10, 0.1), (20, 0.05), (30, 1 / 30)]


def test_a_picture_is_uploaded(tmp_path: Path, server: WandbServer) -> None:
    from PIL import Image

    Image.new("RGB", (4, 3), "navy").save(tmp_path / "boundary.png")
    online = tracker()
    online.start(info(tmp_path))
    online.figure("decision_boundary", tmp_path / "boundary.png", step=30)
    online.finish("finished")
    run = server.runs["xor-seed1-7f3a"]
    (row,) = run.history
    assert (row["step"], row["figures/decision_boundary"]["width"]) == (30, 4)
    stored = server.stored[f"runs/{run.name}/{row['figures/decision_boundary']['path']}"]
    assert stored == (tmp_path / "boundary.png").read_bytes()


def test_a_checkpoint_comes_back_with_equal_bytes_and_latest_moves_on(tmp_path: Path, server: WandbServer) -> None:
    first, second = os.urandom(3000), os.urandom(3000)
    assert log_checkpoint(tmp_path, first, ["latest", "solved"]) is None
    assert log_checkpoint(tmp_path, second, ["latest"]) is None

    name = "01_perceptron-xor"
    solved, latest = server.find(f"{name}:solved"), server.find(f"{name}:latest")
    assert solved is not None and latest is not None
    assert (solved.version, latest.version) == (0, 1)
    assert (solved.type, solved.metadata) == ("model", {"accuracy": 0.75})

    kept = tmp_path / "artifacts"
    for reference, version, content in (
        (f"{ENTITY}/lessons/{name}:solved", "v0", first),
        (f"lessons/{name}:latest", "v1", second),
    ):
        folder = fetch_artifact(reference, kept)
        assert folder == kept / f"{name}-{version}"
        assert (folder / "model_best.pt").read_bytes() == content
    assert sorted(path.name for path in kept.iterdir()) == [f"{name}-v0", f"{name}-v1"]


# ---- a run that cannot be online ------------------------------------------------------------------------------------


def sync_folder(line: str | None) -> Path:
    """The folder that the line tells the user to upload."""
    assert line is not None and "\n" not in line
    return Path(line.rpartition("wandb sync ")[2])


def start_offline(tmp_path: Path) -> str:
    """Start a run that must continue offline, and then log, finish and be on disk; returns its line."""
    offline = tracker()
    line = offline.start(info(tmp_path))
    offline.log(ROWS)
    offline.finish("finished")
    assert points(history_on_disk(sync_folder(line))) == points(ROWS)
    assert line is not None
    return line


def test_without_a_login_a_run_is_offline_and_says_how_to_upload_it(tmp_path: Path) -> None:
    line = start_offline(tmp_path)
    assert line.startswith("wandb: not logged in to wandb; run `wandb login`; continuing offline; upload the run")
    assert sync_folder(line).is_relative_to(tmp_path / "logs")


def test_wandb_mode_offline_is_honoured(tmp_path: Path, server: WandbServer) -> None:
    os.environ["WANDB_MODE"] = "offline"
    assert start_offline(tmp_path).startswith("wandb: offline; upload the run later with: wandb sync ")
    assert server.runs == {}


def test_wandb_mode_disabled_is_honoured(tmp_path: Path, server: WandbServer) -> None:
    os.environ["WANDB_MODE"] = "disabled"
    disabled = tracker()
    assert disabled.start(info(tmp_path)) is None
    disabled.log(ROWS)
    (tmp_path / "model_last.pt").write_bytes(b"weights")
    disabled.checkpoint([tmp_path / "model_last.pt"], ["latest"], {})
    assert disabled.finish("finished") is None
    assert server.runs == {}


def test_no_server_is_noticed_at_once(tmp_path: Path) -> None:
    with unused_address() as url:
        os.environ.update(WANDB_BASE_URL=url, WANDB_API_KEY=API_KEY)
        line = start_offline(tmp_path)
    assert f"no connection to wandb at {url}" in line and "continuing offline" in line


def test_where_there_is_a_proxy_it_is_the_proxy_that_must_answer(tmp_path: Path, server: WandbServer) -> None:
    proxy = server.url.removeprefix("http://")
    with unused_address() as url:
        for address, way in ((proxy, "wandb: http://wandb.invalid/"), (url, "wandb: no connection")):
            os.environ.update(WANDB_BASE_URL="http://wandb.invalid", http_proxy=address)
            behind_proxy = tracker()
            line = behind_proxy.start(info(tmp_path))
            behind_proxy.finish("finished")
            assert line is not None and line.startswith(way)


def test_a_server_that_never_answers_is_given_up_in_time(tmp_path: Path, server: WandbServer) -> None:
    server.silent = True
    assert "does not answer; continuing offline" in start_offline(tmp_path)


def test_a_key_that_cannot_be_one_is_named(tmp_path: Path, server: WandbServer) -> None:
    os.environ["WANDB_API_KEY"] = "too-short"
    line = start_offline(tmp_path)
    assert "the wandb key is broken" in line and "run `wandb login`; continuing offline" in line


def test_a_key_that_the_server_refuses_is_named(tmp_path: Path, server: WandbServer) -> None:
    server.refuse_key = True
    line = start_offline(tmp_path)
    assert "wandb refused the API key" in line and "run `wandb login`; continuing offline" in line


def test_a_server_that_falls_silent_cannot_hold_up_the_end_of_a_run(tmp_path: Path, server: WandbServer) -> None:
    (tmp_path / "model_last.pt").write_bytes(b"weights")
    online = tracker()
    online.start(info(tmp_path))
    server.silent = True
    online.log(ROWS)
    online.checkpoint([tmp_path / "model_last.pt"], ["latest"], {})
    line = online.finish("finished")
    assert line is not None and f"in {tmp_path}" in line
    server.silent = False
    upload(line)
    assert points(server.runs["xor-seed1-7f3a"].history) == points(ROWS)


# ---- an offline run on disk -----------------------------------------------------------------------------------------


def test_an_offline_run_can_be_uploaded_with_its_checkpoint(tmp_path: Path, server: WandbServer) -> None:
    os.environ["WANDB_MODE"] = "offline"
    (tmp_path / "model_best.pt").write_bytes(b"weights")
    offline = tracker()
    line = offline.start(info(tmp_path))
    offline.log(ROWS)
    offline.checkpoint([tmp_path / "model_best.pt"], ["latest", "solved"], {})
    assert offline.finish("finished") is None

    (artifact,) = [record.artifact for record in records(sync_folder(line)) if record.HasField("artifact")]
    assert (artifact.name, artifact.type) == ("01_perceptron-xor", "model")
    assert sorted(artifact.aliases) == ["latest", "solved"]

    upload(line)
    assert points(server.runs["xor-seed1-7f3a"].history) == points(ROWS)
    uploaded = server.find("01_perceptron-xor:solved")
    assert uploaded is not None and list(server.contents(uploaded)) == ["model_best.pt"]


def test_the_parts_of_a_resumed_offline_run_are_uploaded_as_one_run(tmp_path: Path, server: WandbServer) -> None:
    os.environ["WANDB_MODE"] = "offline"
    for resumed_at, rows in ((None, ROWS[:1]), (10, ROWS[1:2])):
        offline = tracker()
        line = offline.start(info(tmp_path, resumed_at))
        offline.log(rows)
        offline.finish("interrupted")
    upload(line)
    assert points(server.runs["xor-seed1-7f3a"].history) == points(ROWS[:2])

    offline = tracker()
    line = offline.start(info(tmp_path, resumed_at=20))
    offline.log(ROWS[2:])
    offline.finish("finished")
    upload(line)  # the first two parts are there already
    assert points(server.runs["xor-seed1-7f3a"].history) == points(ROWS)


def upload(line: str | None) -> None:
    """Do what the line of a run tells the user to do."""
    assert line is not None and "\n" not in line
    command = shlex.split(line[line.index("wandb sync ") :])
    environment = {key: value for key, value in os.environ.items() if key not in ("WANDB_MODE", "WANDB_SERVICE")}
    there = Path(command[-1]).parent  # `wandb sync` leaves a log where it is typed
    subprocess.run(
        [sys.executable, "-m", *command], cwd=there, env=environment, check=True, capture_output=True, timeout=40
    )


# ---- fetching an artifact -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learner/lessons/01_perceptron-xor:v3", True),
        ("lessons/01_perceptron-xor:latest", True),
        ("01_perceptron-xor:latest", True),
        ("01_perceptron-xor", False),
        ("outputs/models/xor/model_best.pt", False),
        ("a/b/c/d:latest", False),
        ("https://example.org/model:latest", False),
        ("name:", False),
        ("", False),
    ],
)
def test_the_form_of_a_reference(text: str, expected: bool) -> None:
    assert is_artifact_reference(text) is expected


REFERENCE = f"{ENTITY}/lessons/mlp:latest"


def assert_nothing_fetched(tmp_path: Path) -> None:
    assert list((tmp_path / "artifacts").rglob("*")) == []


def test_a_missing_artifact_is_named(tmp_path: Path, server: WandbServer) -> None:
    with pytest.raises(InputError, match=f"^there is no artifact {REFERENCE} on wandb$"):
        fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)


def test_fetching_without_a_login_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^not logged in to wandb; run `wandb login`$"):
        fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)


def test_fetching_without_a_network_says_so(tmp_path: Path) -> None:
    with unused_address() as url:
        os.environ.update(WANDB_BASE_URL=url, WANDB_API_KEY=API_KEY)
        with pytest.raises(RunError, match=f"^no connection to wandb at {url}"):
            fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)


def test_fetching_with_a_refused_key_says_what_to_do(tmp_path: Path, server: WandbServer) -> None:
    server.refuse_key = True
    with pytest.raises(InputError, match=r"^wandb refused the API key .*; run `wandb login`$"):
        fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)


def test_fetching_from_a_silent_server_is_given_up(
    tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.tracking.wandb_artifacts.ANSWER_SECONDS", 1)
    server.silent = True
    with pytest.raises(RunError, match=r"^wandb at http://127.0.0.1:\d+ does not answer$"):
        fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)


def test_a_download_that_breaks_off_leaves_nothing(tmp_path: Path, server: WandbServer) -> None:
    server.publish("mlp", {"config.yaml": b"seed: 1", "model_best.pt": os.urandom(100_000)})
    server.cut_downloads = True
    with pytest.raises(RunError, match=f"^the download of {REFERENCE} broke off .*; try again$"):
        fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)
    gc.collect()  # now, and not while another test runs


def test_a_download_that_stalls_is_given_up(
    tmp_path: Path, server: WandbServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.tracking.wandb_artifacts.STALL_SECONDS", 1)
    server.publish("mlp", {"model_best.pt": os.urandom(1000)})
    server.stall_downloads = True
    with pytest.raises(RunError, match=f"^the download of {REFERENCE} has stopped; try again$"):
        fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)


def test_a_file_whose_bytes_are_not_those_of_the_manifest_is_refused(tmp_path: Path, server: WandbServer) -> None:
    server.publish("mlp", {"model_best.pt": b"the real weights"})
    (key,) = [key for key in server.stored if key.startswith("files/")]
    server.stored[key] = b"some other bytes"
    with pytest.raises(RunError, match="Digest mismatch"):
        fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)


@pytest.mark.parametrize("name", ["../../evil.pt", "/tmp/evil.pt", "sub/../../evil.pt", "C:\\evil.pt", "..\\evil.pt"])
def test_an_artifact_with_a_file_outside_its_folder_is_refused(tmp_path: Path, server: WandbServer, name: str) -> None:
    server.publish("mlp", {"model_best.pt": b"weights", name: b"evil"})
    with pytest.raises(InputError, match="would be written outside its folder"):
        fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)
    assert list(tmp_path.rglob("evil*")) == []


def test_an_artifact_that_links_to_a_file_elsewhere_is_refused(tmp_path: Path, server: WandbServer) -> None:
    server.publish("mlp", {"model_best.pt": b"weights"}, links={"secrets": "file:///etc/hostname"})
    with pytest.raises(InputError, match=r"its file 'secrets' is a link to file:///etc/hostname"):
        fetch_artifact(REFERENCE, tmp_path / "artifacts")
    assert_nothing_fetched(tmp_path)
