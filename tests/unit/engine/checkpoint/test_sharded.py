"""Sharded checkpoints: whole or refused, and never code that runs."""

import json
import logging
import pickle
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.checkpoint.filesystem import FileSystem

from engine.checkpoint.content import load_whole
from engine.checkpoint.dcp import Reader
from engine.checkpoint.file import digest, save_checkpoint
from engine.checkpoint.resolve import newest_checkpoint
from engine.checkpoint.sharded import finish_save, gathered, save_sharded
from utils.errors import InputError, RunError

# torch's own reader and writer, on Pythons and in versions that they were not written for
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture(scope="module")
def mesh() -> Iterator[Any]:
    """A world of one rank, which can split tensors."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield dist.device_mesh.init_device_mesh("cpu", (1,))
    dist.destroy_process_group()


@pytest.fixture
def save(mesh: Any, tmp_path: Path) -> Callable[..., Path]:
    """Writes a checkpoint of a step."""

    def write(step: int, value: Tensor) -> Path:
        split = dist.tensor.distribute_tensor(value, mesh, [dist.tensor.Shard(0)])
        content = {"step": step, "model": {"weight": split, "buffer": torch.ones(2)}, "other": [1, None, "two"]}
        finish_save(save_sharded(tmp_path, content, True, dist.group.WORLD), tmp_path)
        return tmp_path / f"model_last-{step}.dcp"

    return write


VALUE = torch.arange(12.0).reshape(6, 2)


def test_what_is_read_is_what_was_written(save: Callable[..., Path]) -> None:
    content = load_whole(save(3, VALUE))
    wanted = {"step": 3, "model": {"weight": VALUE, "buffer": torch.ones(2)}, "other": [1, None, "two"]}
    assert digest(content) == digest(wanted)


def test_a_split_tensor_is_gathered_for_those_who_keep_it(mesh: Any) -> None:
    split = dist.tensor.distribute_tensor(VALUE, mesh, [dist.tensor.Shard(0)])
    assert torch.equal(gathered([split], keep=True)[0], VALUE)
    assert gathered({"weight": split, "step": 1}, keep=False) == {"weight": None, "step": 1}


def test_a_newer_one_takes_the_place_of_an_older_one(save: Callable[..., Path], tmp_path: Path) -> None:
    save(9, VALUE)
    newest = save(10, VALUE + 1)
    assert [path.name for path in tmp_path.iterdir()] == ["model_last-10.dcp"]
    assert newest_checkpoint(tmp_path) == newest


@pytest.mark.parametrize("file", ["__0_0.distcp", ".metadata", "rest.pt", "manifest.json"])
@pytest.mark.parametrize("harm", ["cut", "flipped", "gone"])
def test_damage_to_any_file_is_seen(save: Callable[..., Path], file: str, harm: str) -> None:
    path = save(3, VALUE)
    content = bytearray((path / file).read_bytes())
    if harm == "gone":
        (path / file).unlink()
    else:
        content[len(content) // 2] ^= 1
        (path / file).write_bytes(content if harm == "flipped" else content[:-1])
    with pytest.raises(InputError, match=r"model_last-3.dcp (is damaged|is not a checkpoint)"):
        load_whole(path)


def test_a_file_that_is_written_wrongly_leaves_the_old_checkpoint(save: Callable[..., Path], tmp_path: Path) -> None:
    save(3, VALUE)
    with (
        mock.patch("engine.checkpoint.dcp.sha256_of", return_value="other"),
        pytest.raises(RunError, match="read back"),
    ):
        save(4, VALUE)
    newest = newest_checkpoint(tmp_path)
    assert newest is not None and load_whole(newest)["step"] == 3


def test_a_full_disk_leaves_the_old_checkpoint(save: Callable[..., Path], tmp_path: Path) -> None:
    save(3, VALUE)
    with (tmp_path / "elsewhere").open("wb") as file:
        refused = mock.Mock(wraps=file)
        refused.write.side_effect = OSError(28, "No space left on device")
        full = mock.patch.object(FileSystem, "create_stream", lambda *_: nullcontext(refused))
        with full, pytest.raises(RunError, match=r"cannot write .*No space left on device"):
            save(4, VALUE)
    newest = newest_checkpoint(tmp_path)
    assert newest is not None and load_whole(newest)["step"] == 3


def test_a_damaged_checkpoint_is_passed_over_whatever_its_form(
    save: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_checkpoint(tmp_path / "model_best.pt", {"step": 2})
    sharded, last = save(3, VALUE), tmp_path / "model_last.pt"
    last.write_bytes(b"half of a checkpoint")
    assert newest_checkpoint(tmp_path) == sharded
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert warnings == [f"checkpoint {last} is damaged or cut short: going on from {sharded.name}"]
    (sharded / "rest.pt").unlink()
    assert newest_checkpoint(tmp_path) == tmp_path / "model_best.pt"
    (tmp_path / "model_best.pt").unlink()
    with pytest.raises(InputError, match=r"model_last\.pt is damaged"):
        newest_checkpoint(tmp_path)


def test_of_two_checkpoints_of_a_step_the_last_one_is_taken(save: Callable[..., Path], tmp_path: Path) -> None:
    save(3, VALUE)
    for name in ("model_best.pt", "model_last.pt"):
        save_checkpoint(tmp_path / name, {"step": 3})
    assert newest_checkpoint(tmp_path) == tmp_path / "model_last.pt"


def test_a_newer_schema_is_refused(save: Callable[..., Path]) -> None:
    path = save(3, VALUE)
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | {"schema": 99}))
    with pytest.raises(InputError, match="schema 99, newer than"):
        load_whole(path)


class Code:
    """Would touch a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


def test_code_in_the_metadata_is_never_run(save: Callable[..., Path], tmp_path: Path) -> None:
    path = save(3, VALUE)
    (path / ".metadata").write_bytes(pickle.dumps(Code(tmp_path / "ran")))
    with pytest.raises(InputError, match="holds more than tensors and was refused"):
        Reader(path).read_metadata()
    assert not (tmp_path / "ran").exists()


def test_objects_that_torch_would_unpickle_in_turn_are_refused(save: Callable[..., Path]) -> None:
    path = save(3, VALUE)
    metadata = Reader(path).read_metadata()
    metadata.state_dict_metadata["model/weight"] = dist.checkpoint.metadata.BytesStorageMetadata()
    (path / ".metadata").write_bytes(pickle.dumps(metadata))
    with pytest.raises(InputError, match="holds more than tensors and was refused"):
        Reader(path).read_metadata()


def test_a_file_outside_the_checkpoint_is_refused(save: Callable[..., Path]) -> None:
    path = save(3, VALUE)
    metadata = Reader(path).read_metadata()
    for info in metadata.storage_data.values():
        info.relative_path = "../elsewhere"
    (path / ".metadata").write_bytes(pickle.dumps(metadata))
    with pytest.raises(InputError, match="points outside itself and was refused"):
        Reader(path).read_metadata()
