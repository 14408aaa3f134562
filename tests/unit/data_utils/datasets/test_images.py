import contextlib
import gzip
import struct
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_utils.cards import get_card
from data_utils.datasets._idx import read_idx
from data_utils.datasets.images import Mnist
from utils.errors import RunError

SHAPE = (3, 4, 5)
PIXELS = np.arange(60, dtype=np.uint8).reshape(SHAPE)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def read(content: bytes) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.gz"
        path.write_bytes(content)
        return read_idx(path, SHAPE)


def test_an_idx_file_is_read():
    assert np.array_equal(read(gzip.compress(idx(PIXELS))), PIXELS)


WRONG = {
    "empty": b"",
    "not gzip": idx(PIXELS),
    "cut short": gzip.compress(idx(PIXELS))[:-9],
    "of too few bytes": gzip.compress(idx(PIXELS)[:-1]),
    "of too many bytes": gzip.compress(idx(PIXELS) + b"x"),
    "of another shape": gzip.compress(idx(PIXELS.reshape(3, 5, 4))),
    "of fewer dimensions": gzip.compress(idx(PIXELS.reshape(-1))),
    "of another number type": gzip.compress(b"\0\0\x0d" + idx(PIXELS)[3:]),
    "of another magic": gzip.compress(b"\1" + idx(PIXELS)[1:]),
    "followed by something": gzip.compress(idx(PIXELS)) + b"x",
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_file_that_is_wrong_is_refused(fault):
    with pytest.raises(RunError, match=r"file\.gz is not .*; delete it"):
        read(WRONG[fault])


def test_nothing_is_decompressed_beyond_the_expected_size():
    bomb = gzip.compress(idx(PIXELS) + bytes(50_000_000))
    tracemalloc.start()
    with pytest.raises(RunError):
        read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_crash_the_parser(content, compressed):
    with pytest.raises(RunError):
        read(gzip.compress(content) if compressed else content)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_changed_byte_is_refused_or_does_not_matter(data):
    content = bytearray(gzip.compress(idx(PIXELS), mtime=0))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(RunError):
        assert np.array_equal(read(bytes(content)), PIXELS)  # such as the time stamp in the gzip header


@pytest.fixture
def on_disk(dataset_mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("SCRATCH_DATA_DIR", str(tmp_path))


def config(classes=None, name="mnist"):
    return Mnist(
        name=name,
        standardize=False,
        validation=0.0,
        test="official",
        split_seed=0,
        classes=classes,
        train_size=None,
        permute_pixels=None,
        shift=0,
    )


TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_mnist_has_the_published_counts_mean_and_deviation(on_disk):
    examples = config().examples()
    train, test = slice(0, 60_000), slice(60_000, None)
    assert examples.inputs.shape == (70_000, 1, 28, 28) and examples.official_test == 10_000
    assert np.bincount(examples.targets[train]).tolist() == TRAIN_COUNTS
    assert np.bincount(examples.targets[test]).tolist() == TEST_COUNTS
    pixels = np.bincount(examples.inputs[train].ravel(), minlength=256) / examples.inputs[train].size
    values = np.arange(256) / 255
    mean = pixels @ values
    assert mean == pytest.approx(0.1307, abs=5e-5)
    assert np.sqrt(pixels @ (values - mean) ** 2) == pytest.approx(0.3081, abs=5e-5)


def test_a_pair_of_digits_is_numbered_in_the_order_of_the_config(on_disk):
    examples = config(classes=(7, 1)).examples()
    assert examples.class_names == ("7", "1")
    train = examples.targets[: -examples.official_test]
    assert np.bincount(train).tolist() == [TRAIN_COUNTS[7], TRAIN_COUNTS[1]]
    assert np.bincount(examples.targets[-examples.official_test :]).tolist() == [TEST_COUNTS[7], TEST_COUNTS[1]]
    whole = config().examples()
    assert np.array_equal(examples.inputs[examples.targets == 0], whole.inputs[whole.targets == 7])


def test_fashion_mnist_has_the_published_counts_mean_and_deviation(on_disk):
    examples = config(name="fashion_mnist").examples()
    train = slice(0, 60_000)
    assert np.bincount(examples.targets[train]).tolist() == [6000] * 10
    assert np.bincount(examples.targets[60_000:]).tolist() == [1000] * 10
    pixels = examples.inputs[train] / np.float32(255)
    assert pixels.mean(dtype=float) == pytest.approx(0.2860, abs=5e-5)
    assert pixels.std(dtype=float) == pytest.approx(0.3530, abs=5e-5)


def test_garments_are_named_by_their_labels(on_disk):
    assert config(classes=(9, 0), name="fashion_mnist").examples().class_names == ("ankle boot", "T-shirt")


def test_processes_that_fetch_at_once_all_get_whole_files(on_disk, tmp_path):
    script = "from data_utils import cards, download; download.fetch(cards.get_card('mnist'))"
    processes = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    found = sorted(path.name for path in (tmp_path / "raw" / "mnist").iterdir())
    assert found == sorted(file.name for file in get_card("mnist").files)
