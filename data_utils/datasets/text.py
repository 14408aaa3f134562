"""Text: words of invented languages, which differ in which letter tends to follow which."""

from string import ascii_uppercase
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from data_utils.sections import HeldOut, Seed
from utils.schema import MOST, Count

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float64

    from data_utils.examples import Examples


class Languages(HeldOut):
    """Words of invented languages, to be told apart by which letter tends to follow which."""

    name: Literal["languages"]
    standardize: Literal[False]
    """A letter is a 1 in its column; standardised it would be none."""
    n: int = Field(ge=2, le=MOST)
    """Words in all, as many of each language as of any other, give or take one."""
    classes: int = Field(ge=2, le=26)
    """Languages."""
    letters: int = Field(ge=2, le=26)
    """Letters of the alphabet, which all languages share."""
    length: Count
    """Letters in each word."""
    contrast: float = Field(ge=0, le=100)
    """How much the languages prefer some neighbours to others; with 0 every letter is equally likely everywhere."""
    seed: Seed
    """Decides the languages and the words."""

    def examples(self) -> "Examples":
        """Words as one-hot letters, a letter a row; the target is the word's language.

        Each language is a Markov chain: the first letter is uniform, each later one follows `transitions()`. So a
        single letter says little, and pairs of neighbours say what there is to know.
        """
        import numpy as np

        from data_utils.examples import Examples

        transitions, random = self._transitions_and_generator()
        targets = np.arange(self.n, dtype=np.int64) % self.classes
        words = np.empty((self.n, self.length), dtype=np.int64)
        words[:, 0] = random.integers(0, self.letters, self.n)
        cumulative = transitions.cumsum(axis=-1)
        for place in range(1, self.length):
            drawn = random.random((self.n, 1))
            letters = (cumulative[targets, words[:, place - 1]] < drawn).sum(axis=-1)
            words[:, place] = np.minimum(letters, self.letters - 1)  # where rounding leaves the last sum below 1
        inputs = np.eye(self.letters, dtype=np.float32)[words]
        return Examples(inputs, targets, class_names=tuple(ascii_uppercase[: self.classes]), feature_names=())

    def transitions(self) -> "Float64[np.ndarray, 'classes letters letters']":
        """Transition probabilities [language, before, after]; rows add up to 1."""
        return self._transitions_and_generator()[0]

    def _transitions_and_generator(
        self,
    ) -> "tuple[Float64[np.ndarray, 'classes letters letters'], np.random.Generator]":
        import numpy as np

        from data_utils.datasets._generated import pcg64

        random = pcg64(self.seed)
        weights = np.exp(self.contrast * random.standard_normal((self.classes, self.letters, self.letters)))
        return weights / weights.sum(axis=-1, keepdims=True), random
