"""From a config to tensors: generate or read, split, scale, standardise."""

import hashlib
import json

import numpy as np
import torch

from data_utils import partition
from data_utils.config import Blobs, Boolean, DataConfig, DigitPrototypes, Gate, Mnist, NoisyBlobs, Patterns, Table
from data_utils.examples import Examples
from data_utils.folders import processed_folder
from data_utils.splits import Splits, TensorSplit
from data_utils.standardize import Standardization


def load(config: DataConfig) -> Splits:
    """The data set that `config` names, split as it says.

    Raises:
        RunError: A file cannot be had or is not what it should be.
        InputError: The fractions leave a split empty or a class without training examples.
    """
    examples = _examples(config)
    fingerprint = _fingerprint(examples, config)
    indices = _indices(examples, config, fingerprint)
    splits = {name: _tensors(examples, chosen) for name, chosen in indices.items()}
    standardization = Standardization.fit(splits["train"].inputs) if config.standardize else None
    feature_names = examples.feature_names
    if standardization is not None:
        feature_names = tuple(f"{name.removesuffix(' (cm)')}, standardised" for name in feature_names)
        splits = {
            name: TensorSplit(standardization.apply(split.inputs), split.targets) for name, split in splits.items()
        }
    return Splits(
        name=config.name,
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits.get("test"),
        indices={name: torch.from_numpy(chosen) for name, chosen in indices.items()},
        class_names=examples.class_names,
        feature_names=feature_names,
        input_shape=examples.inputs.shape[1:],
        fingerprint=fingerprint,
        standardization=standardization,
    )


def _examples(config: DataConfig) -> Examples:
    """The raw examples; each family is imported only when it is asked for."""
    match config:
        case Mnist():
            from data_utils.mnist import mnist

            return mnist(config)
        case Table():
            from data_utils.tabular import table

            return table(config)
        case Patterns():
            from data_utils.patterns import random_patterns

            return random_patterns(config)
        case DigitPrototypes():
            from data_utils.patterns import digit_prototypes

            return digit_prototypes(config)
    from data_utils import toy

    match config:
        case Gate():
            return toy.boolean(toy.TRUTH_TABLES[config.name])
        case Boolean():
            return toy.boolean(config.truth_table)
        case Blobs():
            return toy.blobs(config)
        case NoisyBlobs():
            return toy.noisy_blobs(config)


def _fingerprint(examples: Examples, config: DataConfig) -> str:
    digest = hashlib.sha256(json.dumps(config.model_dump(mode="json"), sort_keys=True).encode())
    for array in (examples.inputs, examples.targets):
        portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{portable.dtype.str} {portable.shape}".encode())
        digest.update(portable.data)
    return digest.hexdigest()[:16]


def _indices(examples: Examples, config: DataConfig, fingerprint: str) -> partition.Indices:
    n = len(examples.targets)
    ours = n - examples.official_test
    official = {"test": np.arange(ours, n)} if examples.official_test else {}
    wanted = {"test": 0.0 if config.test == "official" else config.test, "validation": config.validation}
    fractions = {name: fraction for name, fraction in wanted.items() if fraction > 0}
    if not fractions:
        return {"train": np.arange(ours), **official}  # nothing is drawn, so there is nothing to record

    def draw() -> partition.Indices:
        return partition.draw(examples.inputs[:ours], examples.targets[:ours], fractions, config.split_seed) | official

    return partition.recorded(processed_folder(config.name, fingerprint) / "splits.npz", n, draw)


def _tensors(examples: Examples, chosen: np.ndarray) -> TensorSplit:
    whole = len(chosen) == len(examples.targets)
    inputs = torch.from_numpy(examples.inputs if whole else examples.inputs[chosen]).to(torch.float32, copy=True)
    return TensorSplit(inputs.div_(examples.scale), torch.from_numpy(examples.targets[chosen]))
