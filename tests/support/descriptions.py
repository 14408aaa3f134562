"""Descriptions of data sets that do not exist."""

from typing import Any

from data_utils.description import Description


def described(shape: tuple[int, ...], **changes: Any) -> Description:
    """The description of data of this shape, with two classes and values from 0 to 1."""
    plain: dict[str, Any] = {
        "name": "made up",
        "class_names": ("no", "yes"),
        "target_names": (),
        "feature_names": (),
        "input_shape": shape,
        "low": (0.0,) * shape[0],
        "high": (1.0,) * shape[0],
        "fingerprint": "0" * 16,
        "standardization": None,
        "target_standardization": None,
    }
    return Description(**(plain | changes))
