"""Stratified splits: which example goes into which, and the record of that on disk.

A split is a pure function of the examples, the fractions and the seed. It is nevertheless stored, so that it can be
inspected, and stays what it was when a library changes how it shuffles.
"""

import logging
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Int64, Shaped

from utils.errors import InputError, RunError
from utils.files import write_atomic
from utils.seeds import derived_seed

Indices = dict[str, np.ndarray]
"""Name of a split -> which examples it holds, ascending."""


def draw(
    inputs: Shaped[np.ndarray, "n *shape"],
    targets: Int64[np.ndarray, " n"] | None,
    fractions: Mapping[str, float],
    seed: int,
) -> Indices:
    """Draw disjoint splits that together hold every example.

    Every class gives its fraction, rounded to whole examples, to each split. Examples with the same input stay
    together, so that a split may come out smaller by a few; they count as of the class of the first.

    Args:
        inputs: The inputs, of any type; equal means equal in every bit.
        targets: Their class indices; None where there are no classes, and all examples count alike.
        fractions: What to hold out, such as `{"test": 0.2, "validation": 0.1}`; the rest is `train`.
        seed: Decides which examples are held out.

    Raises:
        InputError: A split would be empty, or a class would be missing from `train`.
    """
    if targets is None:
        targets = np.zeros(len(inputs), dtype=np.int64)
    groups: dict[bytes, list[int]] = {}
    for example, row in enumerate(inputs):
        groups.setdefault(row.tobytes(), []).append(example)
    classes, counts = np.unique(targets, return_counts=True)
    quotas = {
        (name, label): round(fraction * count)
        for name, fraction in fractions.items()
        for label, count in zip(classes, counts, strict=True)
    }
    members: dict[str, list[int]] = {"train": [], **{name: [] for name in fractions}}
    shuffled = list(groups.values())
    for position in np.random.Generator(np.random.PCG64(derived_seed(seed, "split"))).permutation(len(shuffled)):
        group = shuffled[position]
        label = targets[group[0]]
        name = next((name for name in fractions if len(group) <= quotas[name, label]), "train")
        if name != "train":
            quotas[name, label] -= len(group)
        members[name] += group
    _refuse_gaps(members, targets, fractions)
    return {name: np.sort(np.array(chosen, dtype=np.int64)) for name, chosen in members.items() if chosen}


def _refuse_gaps(members: dict[str, list[int]], targets: np.ndarray, fractions: Mapping[str, float]) -> None:
    for name, fraction in fractions.items():
        if fraction > 0 and not members[name]:
            raise InputError(
                f"data.{name}={fraction:g} of {len(targets)} examples leaves {name} empty; hold out more, or nothing"
            )
    missing = set(targets.tolist()) - set(targets[members["train"]].tolist())
    if missing:
        lost = f"none of class {min(missing)}" if members["train"] else "none"
        raise InputError(
            f"holding out {', '.join(f'data.{name}={fraction:g}' for name, fraction in fractions.items())} of "
            f"{len(targets)} examples leaves {lost} for training; hold out less"
        )


def recorded(path: Path, n: int, make: Callable[[], Indices]) -> Indices:
    """The splits stored at `path`; where there are none yet, those that `make` gives, stored there.

    A folder that cannot be written is only warned about: the record is of use, but no run depends on it.

    Args:
        path: An .npz file with one array for each split.
        n: Number of examples in all.
        make: Draws the splits.

    Raises:
        RunError: What is at `path` is no split of `n` examples.
    """
    if path.exists():
        return _read(path, n)
    indices = make()
    buffer = BytesIO()
    np.savez(buffer, allow_pickle=False, **indices)
    try:
        write_atomic(path, buffer.getbuffer())
    except RunError as error:
        logging.getLogger(__name__).warning("the splits are not recorded: %s", error)
    return indices


def _read(path: Path, n: int) -> Indices:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            indices = {name: stored[name] for name in stored.files}
        examples = np.sort(np.concatenate(list(indices.values())))
        whole = "train" in indices and np.array_equal(examples, np.arange(n))
    except Exception:  # a damaged zip or header makes numpy raise almost anything
        whole = False
    if not whole:
        raise RunError(f"{path} is not a split of {n} examples; delete it and it is made again")
    return indices
