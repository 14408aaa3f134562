import pytest
from pydantic import TypeAdapter, ValidationError

from data_utils.config import DataConfig

SCHEMA: TypeAdapter[DataConfig] = TypeAdapter(DataConfig)
COMMON = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}
PICTURES = {"train_size": None, "permute_pixels": None, "shift": 0}
MNIST = {**COMMON, **PICTURES, "name": "mnist", "test": "official", "classes": None}
BLOBS = {**COMMON, "name": "blobs", "n": 10, "features": 2, "margin": 0.1, "seed": 0}


@pytest.mark.parametrize("name", ["and", "or", "xor", "iris", "iris-easy", "iris-hard", "breast_cancer"])
def test_a_data_set_without_settings_needs_only_the_common_ones(name):
    assert SCHEMA.validate_python({**COMMON, "name": name}).name == name


@pytest.mark.parametrize(
    "missing", ["standardize", "validation", "test", "split_seed", "n", "features", "margin", "seed"]
)
def test_no_setting_has_a_default(missing):
    with pytest.raises(ValidationError, match=missing):
        SCHEMA.validate_python({key: value for key, value in BLOBS.items() if key != missing})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"validation": 0.5, "test": 0.5}, "less than 1"),
        ({"validation": -0.1}, "greater than or equal to 0"),
        ({"test": 1.0}, "less than 1"),
        ({"split_seed": -1}, "greater than or equal to 0"),
        ({"margin": 0.0}, "greater than 0"),
        ({"n": 1}, "greater than or equal to 2"),
        ({"margins": 1.0}, "not permitted"),
    ],
)
def test_what_is_out_of_range_is_refused(changed, message):
    with pytest.raises(ValidationError, match=message):
        SCHEMA.validate_python({**BLOBS, **changed})


@pytest.mark.parametrize("split", ["validation", "test"])
def test_nothing_can_be_held_out_of_a_gate(split):
    with pytest.raises(ValidationError, match="four points"):
        SCHEMA.validate_python({**COMMON, "name": "xor", split: 0.25})


@pytest.mark.parametrize("truth_table", [-1, 16])
def test_there_are_sixteen_truth_tables(truth_table):
    with pytest.raises(ValidationError, match="truth_table"):
        SCHEMA.validate_python({**COMMON, "name": "boolean", "truth_table": truth_table})


def test_mnist_has_its_official_test_split_and_no_other():
    assert SCHEMA.validate_python(MNIST).test == "official"
    with pytest.raises(ValidationError, match="official"):
        SCHEMA.validate_python({**MNIST, "test": 0.2})


@pytest.mark.parametrize(
    "changed", [{"shift": -1}, {"shift": 28}, {"train_size": 0}, {"permute_pixels": -1}, {"name": "digits", "shift": 8}]
)
def test_what_cannot_be_done_to_images_is_refused(changed):
    with pytest.raises(ValidationError, match=list(changed)[-1]):
        SCHEMA.validate_python({**MNIST, **changed})


@pytest.mark.parametrize("classes", [[], [3], [3, 3], [0, 10]])
def test_mnist_classes_are_two_or_more_different_digits(classes):
    with pytest.raises(ValidationError, match="classes"):
        SCHEMA.validate_python({**MNIST, "classes": classes})
