"""Ablations of images, which show what a model relies on: a shift, permuted pixels, fewer examples."""

import numpy as np
from jaxtyping import Int64, UInt8

from utils.errors import InputError
from utils.seeds import derived_seed

Images = UInt8[np.ndarray, "n channels height width"]


def shifted(images: Images, by: int) -> Images:
    """`images` moved `by` pixels to the right; what comes in on the left is black (0), what goes out is lost."""
    width = images.shape[-1]
    moved = np.zeros_like(images)
    moved[..., by:] = images[..., : width - by]
    return moved


def permuted(images: Images, seed: int) -> Images:
    """`images` with their pixels in another order: the one permutation of the places that `seed` names."""
    order = pixel_order(seed, images.shape[-2] * images.shape[-1])
    return images.reshape(*images.shape[:2], -1)[..., order].reshape(images.shape)


def pixel_order(seed: int, pixels: int) -> Int64[np.ndarray, " pixels"]:
    """Permutation of the pixels that `seed` names: which pixel comes to each place."""
    return _generator(seed, "pixels").permutation(pixels)


def reduced(train: Int64[np.ndarray, " m"], targets: Int64[np.ndarray, " n"], size: int, seed: int) -> np.ndarray:
    """`size` of the examples `train`, ascending; with the same `seed`, those of a smaller size are among them.

    Args:
        train: Indices of the training examples.
        targets: The class of every example.
        size: Number of examples to keep.
        seed: Decides which.

    Raises:
        InputError: There are not so many, or a class would have none left.
    """
    if size > len(train):
        raise InputError(f"data.train_size={size}, but only {len(train)} examples are for training; ask for fewer")
    chosen = np.sort(_generator(seed, "train_size").permutation(train)[:size])
    missing = set(targets[train].tolist()) - set(targets[chosen].tolist())
    if missing:
        raise InputError(
            f"data.train_size={size} with data.split_seed={seed} leaves none of class {min(missing)} for training; "
            "ask for more, or take another data.split_seed"
        )
    return chosen


def _generator(seed: int, purpose: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(derived_seed(seed, purpose)))
