"""Parser of idx files, the format of MNIST. It believes nothing that a file says."""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from utils.errors import RunError

_SIDE = 28  # pixels
_UNSIGNED_BYTE = 8  # the idx code of the only number type that these files use


def images_and_labels(
    files: dict[str, Path], part: str, n: int
) -> tuple[UInt8[np.ndarray, "n 28 28"], UInt8[np.ndarray, " n"]]:
    """Read one part of a data set in MNIST's form.

    Args:
        files: File name to path.
        part: `train` or `t10k`, as the names of the files begin.
        n: Number of images that the part has to hold.

    Raises:
        RunError: A file is not such a file, or a label is above 9.
    """
    label_file = files[f"{part}-labels-idx1-ubyte.gz"]
    images = read_idx(files[f"{part}-images-idx3-ubyte.gz"], (n, _SIDE, _SIDE))
    labels = read_idx(label_file, (n,))
    if labels.max() > 9:
        raise RunError(f"{label_file} holds a label above 9; delete it and fetch it again")
    return images, labels


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
