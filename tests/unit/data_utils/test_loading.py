import dataclasses
import subprocess
import sys

import pytest
import torch
from pydantic import TypeAdapter

from data_utils import Splits, load, partition
from data_utils.config import DataConfig
from data_utils.datasets.tabular import BreastCancer
from utils.errors import InputError

COMMON = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}
PICTURES = {"train_size": None, "permute_pixels": None, "shift": 0}
BLOBS = {"n": 20, "features": 2, "margin": 0.5, "seed": 0}


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("SCRATCH_DATA_DIR", str(tmp_path))
    return tmp_path


def config(name, **settings):
    return TypeAdapter(DataConfig).validate_python({**COMMON, "name": name, **settings})


def in_a_fresh_process(code, **environment):
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment or None)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_a_gate_has_its_four_points_for_training_and_nothing_else(data):
    splits = load(config("xor"))
    assert splits.train.inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert splits.train.targets.tolist() == [0, 1, 1, 0]
    assert splits.validation is None and splits.test is None
    assert (splits.n_features, splits.n_classes, splits.input_shape) == (2, 2, (2,))
    assert list(data.iterdir()) == []


def test_a_gate_is_its_truth_table():
    assert torch.equal(load(config("xor")).train.targets, load(config("boolean", truth_table=6)).train.targets)


def test_a_split_is_a_dataset_of_pairs():
    train = load(config("and")).train
    inputs, target = train[3]
    assert len(train) == 4 and inputs.tolist() == [1, 1] and target.item() == 1
    assert train.to("cpu").targets.tolist() == train.targets.tolist()


def test_the_fractions_are_held_out():
    splits = load(config("iris", validation=0.2, test=0.1))
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [105, 30, 15]
    assert splits.train.inputs.dtype == torch.float32 and splits.train.targets.dtype == torch.int64
    whole = load(config("iris")).train
    for name, part in {"train": splits.train, "validation": splits.validation, "test": splits.test}.items():
        assert torch.equal(part.inputs, whole.inputs[splits.indices[name]])
        assert torch.equal(part.targets, whole.targets[splits.indices[name]])


def test_the_two_equal_irises_are_never_apart():
    for seed in range(30):
        chosen = load(config("iris", test=0.5, split_seed=seed)).indices["test"].tolist()
        assert (101 in chosen) == (142 in chosen)


def test_pixels_are_between_0_and_1():
    inputs = load(config("digits", **PICTURES)).train.inputs
    assert inputs.shape == (1797, 1, 8, 8) and inputs.min() == 0 and inputs.max() == 1


def test_drawn_splits_are_recorded_and_used_again(data, monkeypatch):
    first = load(config("iris", test=0.2))
    assert (data / "processed" / "iris" / first.fingerprint / "splits.npz").exists()
    monkeypatch.setattr(partition, "draw", None)
    second = load(config("iris", test=0.2))
    assert torch.equal(first.indices["test"], second.indices["test"])


def test_standardisation_does_not_see_what_is_held_out(monkeypatch):
    settings = config("breast_cancer", standardize=True, validation=0.2, test=0.2)
    before = load(settings)
    examples = settings.examples()
    held_out = torch.cat([before.indices["validation"], before.indices["test"]])
    inputs = examples.inputs.copy()
    inputs[held_out] = inputs[held_out] * 1000 + 7
    monkeypatch.setattr(BreastCancer, "examples", lambda _: dataclasses.replace(examples, inputs=inputs))
    after = load(settings)
    assert after.fingerprint != before.fingerprint
    assert torch.equal(before.indices["train"], after.indices["train"])
    assert torch.equal(before.train.inputs, after.train.inputs)
    assert not torch.equal(before.test.inputs, after.test.inputs)


def test_the_training_split_is_standardised_to_mean_0_and_deviation_1():
    splits = load(config("breast_cancer", standardize=True, test=0.2))
    assert splits.train.inputs.mean(0).abs().max() < 1e-5
    assert (splits.train.inputs.std(0, correction=0) - 1).abs().max() < 1e-5
    original = load(config("breast_cancer", test=0.2))
    restored = splits.standardization.invert(splits.test.inputs)
    assert torch.allclose(restored, original.test.inputs, rtol=1e-4, atol=1e-4)


def test_the_fingerprint_is_the_same_in_every_process(data):
    settings = config("blobs", **BLOBS, test=0.2)
    code = f"""
from data_utils import load
from data_utils.datasets.points import Blobs
print(load(Blobs.model_validate({settings.model_dump()})).fingerprint)
"""
    paths = {"PYTHONPATH": ":".join(filter(None, sys.path)), "SCRATCH_DATA_DIR": str(data)}
    found = {in_a_fresh_process(code, PYTHONHASHSEED=seed, **paths) for seed in ("1", "2")}
    assert found == {load(settings).fingerprint}


def test_the_fingerprint_is_the_same_on_every_machine():
    assert load(config("xor")).fingerprint == "d7a7fe8abc3dff03"
    assert load(config("blobs", **BLOBS)).fingerprint == "3099cdd08a997c98"


def test_the_fingerprint_differs_where_the_config_does():
    settings = {**BLOBS, "validation": 0.1, "test": 0.2, "standardize": False, "split_seed": 0}
    changes = {"n": 22, "features": 3, "margin": 0.6, "seed": 1, "validation": 0.2, "test": 0.1, "split_seed": 1}
    variants = [settings, {**settings, "standardize": True}, *({**settings, key: changes[key]} for key in changes)]
    assert len({load(config("blobs", **variant)).fingerprint for variant in variants}) == len(variants)


def test_mnist_keeps_its_official_test_split(dataset_mirror):
    settings = {**PICTURES, "test": "official", "classes": [0, 1]}
    splits = load(config("mnist", **settings, validation=0.1))
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [11399, 1266, 2115]
    assert splits.input_shape == (1, 28, 28) and splits.class_names == ("0", "1")
    everyone = torch.cat(list(splits.indices.values())).sort().values
    assert torch.equal(everyone, torch.arange(14780))
    assert torch.equal(splits.indices["test"], torch.arange(12665, 14780))
    without = load(config("mnist", **settings))
    assert without.validation is None and len(without.train) == 12665
    assert torch.equal(without.test.inputs, splits.test.inputs)


def test_standardised_mnist_has_the_published_mean_and_deviation(dataset_mirror):
    standardization = load(config("mnist", **PICTURES, test="official", classes=None, standardize=True)).standardization
    assert standardization.mean.item() == pytest.approx(0.1307, abs=5e-5)
    assert standardization.scale.item() == pytest.approx(0.3081, abs=5e-5)


def test_evaluating_on_a_split_names_it():
    splits = load(config("iris", validation=0.2, test=0.2))
    assert splits.evaluation("test") == ("test", splits.test)
    assert splits.evaluation("train") == ("train", splits.train)


def test_where_nothing_is_held_out_the_training_split_is_evaluated():
    splits = load(config("xor"))
    assert splits.evaluation("test") == ("train", splits.train)


def test_a_missing_split_is_not_replaced_by_another_held_out_one():
    splits = load(config("iris", test=0.2))
    with pytest.raises(InputError, match=r"iris has no validation split: set data\.validation above 0, .*train, test"):
        splits.evaluation("validation")


def test_a_split_is_had_by_its_name():
    splits = load(config("iris", validation=0.2, test=0.2))
    assert [splits.split(name) for name in ("train", "validation", "test")] == [
        splits.train,
        splits.validation,
        splits.test,
    ]
    with pytest.raises(InputError, match="xor has no test split"):
        load(config("xor")).split("test")


def test_an_unknown_split_is_answered_with_the_closest():
    with pytest.raises(InputError, match="unknown split 'tset', did you mean 'test'"):
        load(config("xor")).evaluation("tset")


def test_a_gate_is_loaded_without_the_heavy_libraries():
    code = """
import sys
from data_utils import load
from data_utils.datasets.boolean import Gate
load(Gate(name="xor", standardize=True, validation=0, test=0, split_seed=0))
print([name for name in ("sklearn", "scipy", "pooch", "requests", "matplotlib") if name in sys.modules])
"""
    assert in_a_fresh_process(code) == "[]"


def test_configs_cards_and_downloads_do_not_import_torch():
    code = """
import sys
import data_utils, data_utils.config, data_utils.cards, data_utils.download
data_utils.cards.cards()
print([name for name in ("torch", "numpy", "pooch") if name in sys.modules])
"""
    assert in_a_fresh_process(code) == "[]"


def test_the_package_offers_three_names():
    import data_utils

    assert data_utils.Splits is Splits
    with pytest.raises(AttributeError, match="no attribute 'loader'"):
        data_utils.loader  # noqa: B018


def test_the_name_of_a_standardised_feature_says_so_and_has_no_unit():
    assert load(config("iris", test=0.2)).feature_names[0] == "sepal length (cm)"
    assert load(config("iris", test=0.2, standardize=True)).feature_names[0] == "sepal length, standardised"


LINE = {"n": 60, "features": 2, "noise": 0.1, "seed": 0, "standardize_targets": False}


def test_numbers_as_targets_have_outputs_and_no_classes():
    splits = load(config("line", **LINE, validation=0.2, test=0.1))
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [42, 12, 6]
    assert splits.train.targets.shape == (42, 1) and splits.train.targets.dtype == torch.float32
    assert (splits.n_classes, splits.class_names, splits.n_outputs, splits.target_names) == (0, (), 1, ("y",))
    assert load(config("xor")).n_outputs == 0


def test_targets_are_standardised_as_measured_on_the_training_split():
    splits = load(config("line", **{**LINE, "standardize_targets": True}, test=0.5))
    original = load(config("line", **LINE, test=0.5))
    assert splits.train.targets.mean().abs() < 1e-6
    assert splits.train.targets.std(correction=0) == pytest.approx(1, abs=1e-5)
    assert splits.test.targets.mean().abs() > 1e-3
    restored = splits.target_standardization.invert(splits.test.targets)
    assert torch.allclose(restored, original.test.targets, atol=1e-5)
    assert splits.target_names == ("y, standardised",) and original.target_standardization is None


def test_a_regression_without_training_examples_is_refused():
    with pytest.raises(InputError, match="of 2 examples leaves none for training; hold out less"):
        load(config("line", **{**LINE, "n": 2}, validation=0.49, test=0.5))


def digits(**changes):
    return load(config("digits", **{**PICTURES, **changes}, validation=0.1, test=0.2))


def test_a_smaller_training_split_is_a_part_of_a_larger_one():
    whole, large, small = digits(), digits(train_size=200), digits(train_size=100)
    assert (len(large.train), len(small.train)) == (200, 100)
    assert set(small.indices["train"].tolist()) < set(large.indices["train"].tolist())
    assert set(large.indices["train"].tolist()) < set(whole.indices["train"].tolist())
    assert torch.equal(small.test.inputs, whole.test.inputs)


def test_a_training_split_of_all_there_is_is_the_whole_one():
    whole = digits()
    assert torch.equal(digits(train_size=len(whole.train)).train.inputs, whole.train.inputs)


@pytest.mark.parametrize(("size", "message"), [(1797, "only 1259 examples"), (5, "leaves none of class")])
def test_a_training_split_that_cannot_be_had_is_refused(size, message):
    with pytest.raises(InputError, match=f"data.train_size={size}.*{message}"):
        digits(train_size=size)


def test_every_split_has_its_pixels_permuted_alike():
    plain, mixed = digits(), digits(permute_pixels=3)
    order = torch.tensor([int(column) for column in _columns(plain.train, mixed.train)])
    for split in ("train", "validation", "test"):
        images, permuted = (each.split(split).inputs.flatten(1) for each in (plain, mixed))
        assert torch.equal(images[:, order], permuted)
    assert not torch.equal(digits(permute_pixels=4).train.inputs, mixed.train.inputs)


def _columns(plain, permuted):
    """For each pixel of `permuted`, a pixel of `plain` with the same values in every image."""
    images, mixed = plain.inputs.flatten(1), permuted.inputs.flatten(1)
    return ((images[:, :, None] == mixed[:, None, :]).all(0).int().argmax(0)).tolist()


def test_what_is_held_out_is_shifted_and_what_is_for_training_is_not():
    plain, moved = digits(), digits(shift=3)
    assert torch.equal(moved.train.inputs, plain.train.inputs)
    for split in ("validation", "test"):
        images, shifted = plain.split(split).inputs, moved.split(split).inputs
        assert torch.equal(shifted[..., 3:], images[..., :-3])
        assert (shifted[..., :3] == 0).all()
