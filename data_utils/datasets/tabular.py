"""The small data sets that come with scikit-learn, which is imported here and only when one of them is asked for."""

import numpy as np

from data_utils.config import RegressionTable, Table
from data_utils.examples import Examples


def table(config: Table | RegressionTable) -> Examples:
    """The data set that `config` names."""
    return {
        "iris": iris,
        "iris-easy": iris_easy,
        "iris-hard": iris_hard,
        "breast_cancer": breast_cancer,
        "diabetes": diabetes,
    }[config.name]()


def iris() -> Examples:
    """Fisher's 150 iris flowers: four lengths in cm, three species."""
    from sklearn.datasets import load_iris

    flowers = load_iris()
    return Examples(
        flowers.data.astype(np.float32),
        flowers.target.astype(np.int64),
        class_names=tuple(str(name) for name in flowers.target_names),
        feature_names=tuple(flowers.feature_names),
    )


def iris_easy() -> Examples:
    """Setosa (class 1) against the other two species (class 0): linearly separable."""
    flowers = iris()
    targets = (flowers.targets == flowers.class_names.index("setosa")).astype(np.int64)
    return Examples(flowers.inputs, targets, ("other", "setosa"), flowers.feature_names)


def iris_hard() -> Examples:
    """Versicolor (class 0) against virginica (class 1): no plane separates them."""
    flowers = iris()
    chosen = flowers.targets != flowers.class_names.index("setosa")
    return Examples(
        flowers.inputs[chosen], flowers.targets[chosen] - 1, ("versicolor", "virginica"), flowers.feature_names
    )


def breast_cancer() -> Examples:
    """569 tumours, malignant (class 0) or benign (class 1), by 30 measures of their cell nuclei."""
    from sklearn.datasets import load_breast_cancer

    tumours = load_breast_cancer()
    return Examples(
        tumours.data.astype(np.float32),
        tumours.target.astype(np.int64),
        class_names=tuple(str(name) for name in tumours.target_names),
        feature_names=tuple(str(name) for name in tumours.feature_names),
    )


def diabetes() -> Examples:
    """442 patients by age, sex, body mass index, blood pressure and six blood measures, in their own units.

    The target is a measure of how far the disease had gone a year later, from 25 to 346.
    """
    from sklearn.datasets import load_diabetes

    patients = load_diabetes(scaled=False)  # its own scaling is measured on all examples, held out or not
    return Examples(
        patients.data.astype(np.float32),
        patients.target.astype(np.float32)[:, np.newaxis],
        class_names=(),
        feature_names=tuple(patients.feature_names),
        target_names=("progression",),
    )


def digits() -> Examples:
    """1797 handwritten digits of 8 by 8 pixels, each a whole number from 0 to 16."""
    from sklearn.datasets import load_digits

    images = load_digits()
    return Examples(
        images.images.astype(np.uint8)[:, np.newaxis],
        images.target.astype(np.int64),
        class_names=tuple(str(name) for name in images.target_names),
        feature_names=(),
        scale=16.0,
    )
