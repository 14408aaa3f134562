"""Images in grey: MNIST and data sets of its form, and the small digits of scikit-learn."""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from data_utils.sections import HeldOut, Images

if TYPE_CHECKING:
    from data_utils.examples import Examples

_GARMENTS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_CLASSES = {"mnist": tuple(str(digit) for digit in range(10)), "fashion_mnist": _GARMENTS}

Digit = Annotated[int, Field(ge=0, le=9)]


class Digits(HeldOut, Images):
    """1797 handwritten digits of 8 by 8 pixels that come with scikit-learn, each pixel from 0 to 16."""

    name: Literal["digits"]
    shift: int = Field(ge=0, lt=8)

    def examples(self) -> "Examples":
        """All digits."""
        import numpy as np
        from sklearn.datasets import load_digits

        from data_utils.examples import Examples

        digits = load_digits()
        return Examples(
            digits.images.astype(np.uint8)[:, np.newaxis],
            digits.target.astype(np.int64),
            class_names=tuple(str(name) for name in digits.target_names),
            feature_names=(),
            scale=16.0,
        )


class Mnist(Images):
    """MNIST, or a data set of its form: ten classes, 28 by 28 pixels, and the test split of its authors.

    `validation` is a fraction of the authors' training split.
    """

    name: Literal["mnist", "fashion_mnist"]
    test: Literal["official"]
    shift: int = Field(ge=0, lt=28)
    classes: tuple[Digit, ...] | None
    """The labels to tell apart, in the order of their class indices; null means all ten."""

    @field_validator("classes")
    @classmethod
    def _at_least_two_distinct(cls, classes: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if classes is not None and (len(classes) < 2 or len(set(classes)) < len(classes)):
            raise ValueError("name at least two different labels from 0 to 9, or null for all ten")
        return classes

    def examples(self) -> "Examples":
        """The images of `classes`, each pixel from 0 to 255; the official test split comes last."""
        import numpy as np

        from data_utils.cards import get_card
        from data_utils.datasets._idx import images_and_labels
        from data_utils.download import fetch
        from data_utils.examples import Examples

        files = fetch(get_card(self.name))
        parts = [images_and_labels(files, "train", 60_000), images_and_labels(files, "t10k", 10_000)]
        wanted = self.classes or tuple(range(10))
        chosen = [np.isin(labels, wanted) for _, labels in parts]
        labels = np.concatenate([labels[keep] for (_, labels), keep in zip(parts, chosen, strict=True)])
        images = np.concatenate([images[keep] for (images, _), keep in zip(parts, chosen, strict=True)])
        class_of = np.zeros(10, dtype=np.int64)
        class_of[list(wanted)] = np.arange(len(wanted))
        return Examples(
            images[:, np.newaxis],
            class_of[labels],
            class_names=tuple(_CLASSES[self.name][label] for label in wanted),
            feature_names=(),
            scale=255.0,
            official_test=int(chosen[1].sum()),
        )
