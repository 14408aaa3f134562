"""`DataConfig`: the `data` section of a config, told apart by `name`. Free of torch and NumPy, like all configs."""

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from data_utils.datasets import config_classes
from data_utils.sections import DataSection

__all__ = ["DataConfig"]

if TYPE_CHECKING:
    DataConfig = DataSection
else:
    DataConfig = Annotated[Union[tuple(config_classes())], Field(discriminator="name")]  # noqa: UP007
