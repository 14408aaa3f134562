"""Boolean functions of two inputs."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from data_utils.sections import AllForTraining

if TYPE_CHECKING:
    from data_utils.examples import Examples

_TRUTH_TABLES = {"and": 0b1000, "or": 0b1110, "xor": 0b0110}  # in the order of `Boolean.truth_table`


class FourPoints(AllForTraining):
    """Base of the Boolean functions: four points, of which none can be spared."""

    reason = "a Boolean function of two inputs has four points and all are for training"


class Gate(FourPoints):
    """A gate under its own name."""

    name: Literal["and", "or", "xor"]

    def examples(self) -> "Examples":
        """The four points; the target is the gate's output."""
        return _examples(_TRUTH_TABLES[self.name])


class Boolean(FourPoints):
    """Any of the 16 Boolean functions of two inputs."""

    name: Literal["boolean"]
    truth_table: int = Field(ge=0, le=15)
    """Bit i is the output for input i, in the order (0,0), (0,1), (1,0), (1,1): 6 is XOR, 8 is AND, 14 is OR."""

    def examples(self) -> "Examples":
        """The four points; the target is the function's output."""
        return _examples(self.truth_table)


def _examples(truth_table: int) -> "Examples":
    import numpy as np

    from data_utils.examples import Examples

    inputs = np.array([(0, 0), (0, 1), (1, 0), (1, 1)], dtype=np.float32)
    targets = np.array([truth_table >> point & 1 for point in range(4)], dtype=np.int64)
    return Examples(inputs, targets, class_names=("0", "1"), feature_names=("x1", "x2"))
