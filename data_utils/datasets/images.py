"""MNIST and Fashion-MNIST from the four idx files of their authors.

They are read by a parser that believes nothing the files say.
"""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from data_utils.cards import get_card
from data_utils.config import Mnist
from data_utils.download import fetch
from data_utils.examples import Examples
from utils.errors import RunError

_TRAIN, _TEST, _SIDE = 60_000, 10_000, 28
_UNSIGNED_BYTE = 8  # the idx code of the only number type that these files use

_GARMENTS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_CLASSES = {"mnist": tuple(str(digit) for digit in range(10)), "fashion_mnist": _GARMENTS}


def mnist(config: Mnist) -> Examples:
    """The classes that `config` names, 28 by 28 pixels from 0 to 255; the official test split comes last."""
    files = fetch(get_card(config.name))
    parts = [_images_and_labels(files, "train", _TRAIN), _images_and_labels(files, "t10k", _TEST)]
    wanted = config.classes or tuple(range(10))
    chosen = [np.isin(labels, wanted) for _, labels in parts]
    labels = np.concatenate([labels[keep] for (_, labels), keep in zip(parts, chosen, strict=True)])
    images = np.concatenate([images[keep] for (images, _), keep in zip(parts, chosen, strict=True)])
    class_of = np.zeros(10, dtype=np.int64)
    class_of[list(wanted)] = np.arange(len(wanted))
    return Examples(
        images[:, np.newaxis],
        class_of[labels],
        class_names=tuple(_CLASSES[config.name][label] for label in wanted),
        feature_names=(),
        scale=255.0,
        official_test=int(chosen[1].sum()),
    )


def read_idx(path: Path, shape: tuple[int, ...]) -> UInt8[np.ndarray, "..."]:
    """Read a gzipped idx file of unsigned bytes.

    Args:
        path: The file.
        shape: What its header must say; nothing is decompressed beyond that size.

    Raises:
        RunError: It is not such a file.
    """
    header = struct.pack(f">HBB{len(shape)}I", 0, _UNSIGNED_BYTE, len(shape), *shape)
    size = len(header) + prod(shape)
    try:
        with gzip.open(path) as file:
            content = file.read(size + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise RunError(f"{path} is not a whole gzip file ({error}); delete it and fetch it again") from error
    if not content.startswith(header) or len(content) != size:
        expected = " x ".join(map(str, shape))
        raise RunError(f"{path} is not an idx file of {expected} bytes; delete it and fetch it again")
    return np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)


def _images_and_labels(files: dict[str, Path], part: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    images = read_idx(files[f"{part}-images-idx3-ubyte.gz"], (n, _SIDE, _SIDE))
    labels = read_idx(files[f"{part}-labels-idx1-ubyte.gz"], (n,))
    if labels.max() > 9:
        raise RunError(f"{files[f'{part}-labels-idx1-ubyte.gz']} holds a label above 9; delete it and fetch it again")
    return images, labels
