"""Checkpoints: what is saved is what is loaded, and whatever was damaged or is not ours is refused."""

import pickle
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from engine.checkpoint.content import read_checkpoint
from engine.checkpoint.file import digest, load_checkpoint, load_weights, save_checkpoint
from utils.errors import InputError, RunError

DTYPES = [torch.float32, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.uint8, torch.bool]

TENSORS = st.builds(
    lambda shape, dtype, seed: torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(seed)).to(dtype),
    shape=st.lists(st.integers(0, 3), max_size=3).map(tuple),
    dtype=st.sampled_from(DTYPES),
    seed=st.integers(0, 2**32),
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=["Cs"]))
CONTENT = st.dictionaries(
    st.text(max_size=3),
    st.recursive(
        PLAIN | TENSORS,
        lambda inner: st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def same(a: Any, b: Any) -> bool:
    """Whether two contents are equal to the last bit."""
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    if isinstance(a, dict) and isinstance(b, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and repr(a) == repr(b)  # by repr: nan equals nan, and 0.0 is not -0.0


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "model_last.pt"
    save_checkpoint(path, {"step": 3, "model": {"weight": torch.arange(12.0).reshape(3, 4)}, "tags": ["a", None]})
    return path


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_checkpoint(path)
    text = str(caught.value)
    assert str(path) in text and "\n" not in text
    return text


# ---- what is saved is what is loaded -------------------------------------------------------------------------------


@settings(max_examples=60)
@given(content=CONTENT)
def test_any_nested_content_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("run") / "model_last.pt"
    save_checkpoint(path, content)
    assert same(load_checkpoint(path), content)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(1.5),
        torch.empty(0, 3),
        torch.arange(12).reshape(3, 4).T,
        torch.arange(12)[::2],
        torch.ones(3, requires_grad=True),
        nn.Parameter(torch.ones(3)),
        torch.tensor([float("nan"), -0.0]),
        torch.tensor([1.0, 2.0], dtype=torch.bfloat16),
        torch.tensor([True, False]),
        torch.tensor([1 + 2j]),
    ],
    ids=["0-d", "empty", "transposed", "strided", "requires grad", "parameter", "nan", "bf16", "bool", "complex"],
)
def test_any_tensor_comes_back_as_it_was(tmp_path: Path, tensor: Tensor) -> None:
    save_checkpoint(tmp_path / "x.pt", {"t": tensor})
    loaded = load_checkpoint(tmp_path / "x.pt")["t"]
    assert loaded.dtype == tensor.dtype
    torch.testing.assert_close(loaded, tensor, rtol=0, atol=0, equal_nan=True)


def test_the_state_of_a_training_comes_back(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    model(torch.randn(4, 3)).square().sum().backward()
    optimizer.step()
    save_checkpoint(tmp_path / "x.pt", {"model": model.state_dict(), "optimizer": optimizer.state_dict()})
    content = load_checkpoint(tmp_path / "x.pt")
    assert digest(content["model"]) == digest(model.state_dict())
    assert digest(content["optimizer"]) == digest(optimizer.state_dict())


def test_a_checkpoint_is_an_ordinary_file_of_torch(checkpoint: Path) -> None:
    document = torch.load(checkpoint, weights_only=True)
    assert document["content"]["step"] == 3


@settings(max_examples=200)
@given(a=CONTENT, b=CONTENT)
def test_equal_digests_mean_equal_contents(a: dict[str, Any], b: dict[str, Any]) -> None:
    def with_lists(value: Any) -> Any:  # a tuple counts as a list
        if isinstance(value, dict):
            return {key: with_lists(item) for key, item in value.items()}
        return [with_lists(item) for item in value] if isinstance(value, list | tuple) else value

    assert (digest(a) == digest(b)) == same(with_lists(a), with_lists(b))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ([1, 23], [12, 3]),
        (["a", "b"], ["ab", ""]),
        ({"a": 1}, {"b": 1}),
        ({1: "x"}, {"1": "x"}),
        ([1], [True]),
        ([0.0], [-0.0]),
        ([[1], []], [[], [1]]),
        (torch.zeros(2, 3), torch.zeros(3, 2)),
        (torch.zeros(4, dtype=torch.int32), torch.zeros(4)),
        (torch.zeros(0, 3), torch.zeros(3, 0)),
    ],
)
def test_contents_that_look_alike_have_different_digests(a: Any, b: Any) -> None:
    assert digest(a) != digest(b)


def test_what_is_not_plain_data_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path / "x.pt", {"model": {1, 2}})
    assert list(tmp_path.iterdir()) == []


# ---- damage --------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "gone.pt").startswith("there is no checkpoint ")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "is a folder, not a checkpoint" in refusal(tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pt").touch()
    assert "is empty" in refusal(tmp_path / "x.pt")


@pytest.mark.parametrize("tenths", range(1, 10))
def test_a_file_that_was_cut_short_is_refused(checkpoint: Path, tenths: int) -> None:
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[: len(whole) * tenths // 10])
    assert "is damaged or cut short" in refusal(checkpoint)


def test_a_file_that_lost_its_last_byte_is_refused(checkpoint: Path) -> None:
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    assert "is damaged or cut short" in refusal(checkpoint)


@pytest.mark.parametrize("junk", [b"\0" * 1000, b"hello\n", b"\x80\x02}q\x00.", random.Random(0).randbytes(1000)])
def test_any_other_file_is_refused(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(junk)
    refusal(path)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_is_noticed_or_changes_nothing(checkpoint: Path, data: st.DataObject) -> None:
    whole, content = bytearray(checkpoint.read_bytes()), load_checkpoint(checkpoint)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    whole[bit // 8] ^= 1 << bit % 8
    damaged = checkpoint.with_name("damaged.pt")
    damaged.write_bytes(whole)
    try:
        loaded = load_checkpoint(damaged)
    except InputError:
        return
    assert same(loaded, content)


def test_a_flipped_bit_of_a_weight_is_damage(checkpoint: Path) -> None:
    whole = checkpoint.read_bytes()
    weights = torch.arange(12.0).numpy().tobytes()
    assert weights in whole
    checkpoint.write_bytes(whole.replace(weights, torch.arange(12.0).nextafter(torch.tensor(99.0)).numpy().tobytes()))
    assert "is damaged or cut short" in refusal(checkpoint)


# ---- files that are whole and not ours -----------------------------------------------------------------------------


class Bomb:
    def __init__(self, victim: Path) -> None:
        self.victim = victim

    def __reduce__(self) -> Any:
        return Path.touch, (self.victim,)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_refused_and_never_run(tmp_path: Path, zipped: bool) -> None:
    path, victim = tmp_path / "bomb.pt", tmp_path / "victim"
    content = {"step": 1, "model": Bomb(victim)}
    torch.save({"schema": 1, "digest": "", "content": content}, path, _use_new_zipfile_serialization=zipped)
    assert "holds more than tensors and was refused" in refusal(path)
    assert not victim.exists()


def test_a_plain_pickle_bomb_is_refused_and_never_run(tmp_path: Path) -> None:
    path, victim = tmp_path / "bomb.pt", tmp_path / "victim"
    path.write_bytes(pickle.dumps(Bomb(victim)))
    assert "holds more than tensors and was refused" in refusal(path)
    assert not victim.exists()


@pytest.mark.parametrize("document", [{"weight": torch.ones(2)}, [1, 2], torch.ones(2), {"schema": 1}, 3])
def test_a_file_of_torch_that_is_no_checkpoint_is_refused(tmp_path: Path, document: Any) -> None:
    torch.save(document, tmp_path / "x.pt")
    assert "is not a checkpoint of this project" in refusal(tmp_path / "x.pt")


def test_a_zip_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.pt", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refusal(tmp_path / "x.pt")


@pytest.mark.parametrize("content", [{1, 2}, torch.float32, torch.device("cpu"), torch.Size([1])])
def test_content_that_is_not_plain_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save({"schema": 1, "digest": "0", "content": {"x": content}}, tmp_path / "x.pt")
    refusal(tmp_path / "x.pt")


def test_a_checkpoint_of_a_newer_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    torch.save({"schema": 2, "digest": "", "content": {}}, tmp_path / "x.pt")
    assert "has schema 2, newer than 1; update the project" in refusal(tmp_path / "x.pt")


def test_a_checkpoint_from_another_chapter_is_refused(checkpoint: Path) -> None:
    content = {"chapter": "02_adaline", "run_id": "xor-0", "config": {}, "step": 1, "model": {}, "average": None}
    save_checkpoint(checkpoint, content)
    with pytest.raises(InputError, match="is from chapter 02_adaline, not from 01_perceptron"):
        read_checkpoint(checkpoint, Path("models/01_perceptron"))


@pytest.mark.parametrize("content", [{}, {"chapter": "01_perceptron", "model": {}}, [1], 3])
def test_a_checkpoint_that_no_training_wrote_is_refused(checkpoint: Path, content: Any) -> None:
    torch.save({"schema": 1, "digest": digest(content), "content": content}, checkpoint)
    with pytest.raises(InputError) as caught:
        read_checkpoint(checkpoint, Path("models/01_perceptron"))
    assert "\n" not in str(caught.value)


# ---- failing to write ----------------------------------------------------------------------------------------------


def test_a_full_disk_is_one_clear_line_and_leaves_the_old_checkpoint(checkpoint: Path) -> None:
    script = """
import resource, signal, sys, torch
from pathlib import Path
from engine.checkpoint.file import save_checkpoint
from utils.errors import RunError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    save_checkpoint(Path(sys.argv[1]), {"model": {"weight": torch.zeros(10000)}})
except RunError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-B", "-c", script, checkpoint], capture_output=True, text=True)
    assert done.stderr == ""
    assert (
        done.stdout
        == f"cannot write {checkpoint}: File too large; free some space, or choose a folder on another disk\n"
    )
    assert load_checkpoint(checkpoint)["step"] == 3
    assert list(checkpoint.parent.iterdir()) == [checkpoint]


@pytest.mark.parametrize("place", ["a file/x.pt", "/proc/x.pt"])
def test_a_place_where_nothing_can_be_written_is_one_clear_line(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(RunError, match=r"^cannot write .*x\.pt: .*; choose .*$"):
        save_checkpoint(tmp_path / place, {})


def test_a_file_that_is_read_back_different_never_gets_the_name(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_something_else(document: dict[str, Any], file: Any) -> None:
        document["content"]["step"] += 1
        original(document, file)

    original = torch.save
    monkeypatch.setattr(torch, "save", save_something_else)
    with pytest.raises(RunError, match=r"cannot write .*model_last\.pt: what was read back was not what was written"):
        save_checkpoint(checkpoint, {"step": 9})
    assert load_checkpoint(checkpoint)["step"] == 3
    assert list(checkpoint.parent.iterdir()) == [checkpoint]


# ---- weights into a model ------------------------------------------------------------------------------------------


def test_weights_of_another_shape_are_refused_with_both_shapes() -> None:
    with pytest.raises(InputError, match=r"x\.pt has 'weight' of shape \[2, 3\], this model needs \[2, 4\]"):
        load_weights(nn.Linear(4, 2), nn.Linear(3, 2).state_dict(), "x.pt")


def test_weights_that_are_missing_are_named() -> None:
    with pytest.raises(InputError, match=r"x\.pt has no 'bias', which this model needs"):
        load_weights(nn.Linear(4, 2), nn.Linear(4, 2, bias=False).state_dict(), "x.pt")


def test_weights_that_are_too_many_are_named() -> None:
    with pytest.raises(InputError, match=r"x\.pt has 'bias', which this model lacks"):
        load_weights(nn.Linear(4, 2, bias=False), nn.Linear(4, 2).state_dict(), "x.pt")


def test_the_first_weight_that_does_not_fit_is_the_same_in_every_process() -> None:
    ours, theirs = nn.Sequential(*[nn.Linear(2, 2)] * 5), nn.Sequential(*[nn.Linear(3, 3)] * 5)
    with pytest.raises(InputError, match=r"'0\.weight'"):
        load_weights(ours, theirs.state_dict(), "x.pt")


def test_a_digest_is_the_same_on_every_machine() -> None:
    content = {"w": torch.arange(3.0), "n": [1, None, "é", 0.1, {"k": True}]}
    assert digest(content)[:16] == "024ca34d1cbc6991"
