import numpy as np
import pytest
from pydantic import TypeAdapter

from data_utils.config import DataConfig

COMMON = {"standardize": False, "validation": 0.0, "test": 0.0, "split_seed": 0}


def examples(name, **settings):
    images = {"train_size": None, "permute_pixels": None, "shift": 0} if name == "digits" else {}
    return TypeAdapter(DataConfig).validate_python({**COMMON, **images, "name": name, **settings}).examples()


@pytest.mark.parametrize(
    ("name", "shape", "counts"),
    [
        ("iris", (150, 4), [50, 50, 50]),
        ("iris-easy", (150, 4), [100, 50]),
        ("iris-hard", (100, 4), [50, 50]),
        ("breast_cancer", (569, 30), [212, 357]),
        ("digits", (1797, 1, 8, 8), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]),
    ],
)
def test_shapes_and_classes_are_as_the_card_says(name, shape, counts):
    found = examples(name)
    assert found.inputs.shape == shape
    assert np.bincount(found.targets).tolist() == counts
    assert len(found.class_names) == len(counts)
    assert len(found.feature_names) == (0 if name == "digits" else shape[1])


def test_iris_easy_is_setosa_against_the_rest():
    easy, iris = examples("iris-easy"), examples("iris")
    assert np.array_equal(easy.inputs, iris.inputs)
    assert np.array_equal(easy.targets == 1, iris.targets == iris.class_names.index("setosa"))
    assert easy.class_names[1] == "setosa"


def test_iris_easy_is_separated_by_the_petal_length():
    easy = examples("iris-easy")
    petal_length = easy.inputs[:, easy.feature_names.index("petal length (cm)")]
    assert petal_length[easy.targets == 1].max() < petal_length[easy.targets == 0].min()


def test_iris_hard_is_versicolor_against_virginica():
    hard, iris = examples("iris-hard"), examples("iris")
    assert hard.class_names == ("versicolor", "virginica")
    for target, species in enumerate(hard.class_names):
        expected = iris.inputs[iris.targets == iris.class_names.index(species)]
        assert np.array_equal(hard.inputs[hard.targets == target], expected)


def test_no_plane_separates_iris_hard():
    from scipy.optimize import linprog

    hard = examples("iris-hard")
    signed = np.c_[hard.inputs, np.ones(100)] * (2 * hard.targets - 1)[:, np.newaxis]
    plane = linprog(np.zeros(5), A_ub=-signed, b_ub=-np.ones(100), bounds=(None, None))
    assert plane.status == 2  # infeasible


def test_digits_are_whole_numbers_up_to_their_scale():
    digits = examples("digits")
    assert digits.inputs.dtype == np.uint8 and digits.inputs.max() == digits.scale == 16


def test_diabetes_is_in_its_own_units_with_numbers_as_targets():
    found = examples("diabetes", standardize_targets=False)
    assert found.inputs.shape == (442, 10) and found.targets.shape == (442, 1)
    assert (found.targets.min(), found.targets.max()) == (25, 346)
    assert found.inputs[:, found.feature_names.index("age")].max() == 79
    assert found.class_names == () and found.target_names == ("progression",)
