"""Loader: from a config to tensors. Generate or read, split, scale, standardise."""

import hashlib
import json

import numpy as np
import torch

from data_utils import partition
from data_utils.examples import Examples
from data_utils.folders import processed_folder
from data_utils.sections import DataSection, Images, Regression
from data_utils.splits import STANDARDISED, Splits, TensorSplit
from data_utils.standardize import Standardization
from data_utils.transforms import permuted, reduced, shifted


def load(config: DataSection) -> Splits:
    """Load the data set of `config`, split as it says.

    Raises:
        RunError: A file cannot be had or is not what it should be.
        InputError: The fractions leave a split empty or a class without training examples, or there are fewer than
            `train_size`.
    """
    examples = config.examples()
    fingerprint = _fingerprint(examples, config)
    indices = _indices(examples, config, fingerprint)
    if isinstance(config, Images) and config.train_size is not None:
        indices["train"] = reduced(indices["train"], examples.targets, config.train_size, config.split_seed)
    splits = {name: _tensors(examples, config, name, chosen) for name, chosen in indices.items()}
    standardization = Standardization.fit(splits["train"].inputs) if config.standardize else None
    feature_names = examples.feature_names
    if standardization is not None:
        feature_names = tuple(f"{name.removesuffix(' (cm)')}{STANDARDISED}" for name in feature_names)
        splits = {
            name: TensorSplit(standardization.apply(split.inputs), split.targets) for name, split in splits.items()
        }
    target_standardization, target_names = None, examples.target_names
    if isinstance(config, Regression) and config.standardize_targets:
        target_standardization = Standardization.fit(splits["train"].targets)
        target_names = tuple(f"{name}{STANDARDISED}" for name in target_names)
        splits = {
            name: TensorSplit(split.inputs, target_standardization.apply(split.targets))
            for name, split in splits.items()
        }
    return Splits(
        name=config.name,
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits.get("test"),
        indices={name: torch.from_numpy(chosen) for name, chosen in indices.items()},
        class_names=examples.class_names,
        target_names=target_names,
        feature_names=feature_names,
        input_shape=examples.inputs.shape[1:],
        fingerprint=fingerprint,
        standardization=standardization,
        target_standardization=target_standardization,
    )


def _fingerprint(examples: Examples, config: DataSection) -> str:
    digest = hashlib.sha256(json.dumps(config.model_dump(mode="json"), sort_keys=True).encode())
    for array in (examples.inputs, examples.targets):
        portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        digest.update(f"{portable.dtype.str} {portable.shape}".encode())
        digest.update(portable.data)
    return digest.hexdigest()[:16]


def _indices(examples: Examples, config: DataSection, fingerprint: str) -> partition.Indices:
    n = len(examples.targets)
    n_drawn = n - examples.official_test
    official = {"test": np.arange(n_drawn, n)} if examples.official_test else {}
    wanted = {"test": 0.0 if config.test == "official" else config.test, "validation": config.validation}
    fractions = {name: fraction for name, fraction in wanted.items() if fraction > 0}
    if not fractions:
        return {"train": np.arange(n_drawn), **official}  # nothing is drawn, so there is nothing to record

    def draw() -> partition.Indices:
        classes = examples.targets[:n_drawn] if examples.class_names else None
        return partition.draw(examples.inputs[:n_drawn], classes, fractions, config.split_seed) | official

    return partition.recorded(processed_folder(config.name, fingerprint) / "splits.npz", n, draw)


def _tensors(examples: Examples, config: DataSection, name: str, chosen: np.ndarray) -> TensorSplit:
    """The examples `chosen` for the split `name`, as a model sees them."""
    whole = len(chosen) == len(examples.targets)
    raw = examples.inputs if whole else examples.inputs[chosen]
    if isinstance(config, Images):
        if name != "train":
            raw = shifted(raw, config.shift)
        if config.permute_pixels is not None:
            raw = permuted(raw, config.permute_pixels)
    inputs = torch.from_numpy(raw).to(torch.float32, copy=True)
    return TensorSplit(inputs.div_(examples.scale), torch.from_numpy(examples.targets[chosen]))
