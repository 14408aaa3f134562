"""Tables of measurements, from scikit-learn."""

from typing import TYPE_CHECKING, Literal

from data_utils.sections import HeldOut, Regression

if TYPE_CHECKING:
    from data_utils.examples import Examples


class Iris(HeldOut):
    """Fisher's 150 iris flowers: four lengths in cm, three species."""

    name: Literal["iris"]

    def examples(self) -> "Examples":
        """All flowers."""
        return _iris()


class IrisEasy(HeldOut):
    """Setosa (class 1) against the other two species (class 0): linearly separable."""

    name: Literal["iris-easy"]

    def examples(self) -> "Examples":
        """All flowers, in two classes."""
        import numpy as np

        from data_utils.examples import Examples

        flowers = _iris()
        targets = (flowers.targets == flowers.class_names.index("setosa")).astype(np.int64)
        return Examples(flowers.inputs, targets, ("other", "setosa"), flowers.feature_names)


class IrisHard(HeldOut):
    """Versicolor (class 0) against virginica (class 1): no plane separates them."""

    name: Literal["iris-hard"]

    def examples(self) -> "Examples":
        """The flowers of the two species."""
        from data_utils.examples import Examples

        flowers = _iris()
        chosen = flowers.targets != flowers.class_names.index("setosa")
        return Examples(
            flowers.inputs[chosen], flowers.targets[chosen] - 1, ("versicolor", "virginica"), flowers.feature_names
        )


class BreastCancer(HeldOut):
    """569 tumours, malignant (class 0) or benign (class 1), by 30 measures of their cell nuclei."""

    name: Literal["breast_cancer"]

    def examples(self) -> "Examples":
        """All tumours."""
        import numpy as np
        from sklearn.datasets import load_breast_cancer

        from data_utils.examples import Examples

        tumours = load_breast_cancer()
        return Examples(
            tumours.data.astype(np.float32),
            tumours.target.astype(np.int64),
            class_names=tuple(str(name) for name in tumours.target_names),
            feature_names=tuple(str(name) for name in tumours.feature_names),
        )


class Diabetes(Regression):
    """442 patients by age, sex, body mass index, blood pressure and six blood measures, in their own units.

    The target is a measure of how far the disease had gone a year later, from 25 to 346.
    """

    name: Literal["diabetes"]

    def examples(self) -> "Examples":
        """All patients."""
        import numpy as np
        from sklearn.datasets import load_diabetes

        from data_utils.examples import Examples

        patients = load_diabetes(scaled=False)  # scikit-learn would scale by all examples, held out or not
        return Examples(
            patients.data.astype(np.float32),
            patients.target.astype(np.float32)[:, np.newaxis],
            class_names=(),
            feature_names=tuple(patients.feature_names),
            target_names=("progression",),
        )


def _iris() -> "Examples":
    import numpy as np
    from sklearn.datasets import load_iris

    from data_utils.examples import Examples

    flowers = load_iris()
    return Examples(
        flowers.data.astype(np.float32),
        flowers.target.astype(np.int64),
        class_names=tuple(str(name) for name in flowers.target_names),
        feature_names=tuple(flowers.feature_names),
    )
