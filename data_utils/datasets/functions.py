"""Regression of a known function with noise on its values."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from data_utils.sections import Distance, Regression, Seed
from utils.schema import MOST, Count

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from data_utils.examples import Examples


class NoisyFunction(Regression):
    """Base of the data sets here."""

    n: int = Field(ge=2, le=MOST)
    """Examples in all."""
    noise: Distance
    """Standard deviation of the noise on each target."""
    seed: Seed
    """Decides the points, the noise and, where it is drawn, the function."""


class Line(NoisyFunction):
    """A linear function with noise on it."""

    name: Literal["line"]
    features: Count

    def examples(self) -> "Examples":
        """y = w·x + b plus normal noise; w, b and the inputs are standard normal."""
        from data_utils.datasets._generated import function_values

        weights, offset, random = self._line_and_generator()
        inputs = random.standard_normal((self.n, self.features))
        values = inputs @ weights + offset
        return function_values(inputs, values + self.noise * random.standard_normal(self.n))

    def true_line(self) -> "tuple[Float64[np.ndarray, ' features'], float]":
        """The weights w and the offset b of the function under the noise."""
        weights, offset, _ = self._line_and_generator()
        return weights, offset

    def _line_and_generator(self) -> "tuple[Float64[np.ndarray, ' features'], float, np.random.Generator]":
        from data_utils.datasets._generated import pcg64

        random = pcg64(self.seed)
        return random.standard_normal(self.features), random.standard_normal(), random


class Sine(NoisyFunction):
    """One period of the sine with noise on it."""

    name: Literal["sine"]

    def examples(self) -> "Examples":
        """y = sin(x) plus normal noise; x is uniform from -π to π."""
        import numpy as np

        from data_utils.datasets._generated import function_values, pcg64

        random = pcg64(self.seed)
        inputs = random.uniform(-np.pi, np.pi, (self.n, 1))
        values = np.sin(inputs[:, 0])
        return function_values(inputs, values + self.noise * random.standard_normal(self.n))
